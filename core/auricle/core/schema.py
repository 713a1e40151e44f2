"""What a wire field may hold, said once in the annotations of the message classes.

Messages are frozen dataclasses whose annotations carry their limits (``Annotated[int, Range(0)]``). From these
annotations alone come the check at birth, the total decoder, and later the generated JSON Schema, so the three
can never disagree.

Supported annotations: ``str``, ``int``, ``float``, ``bool``, ``Literal`` of strings, ``X | None``,
``tuple[X, ...]``, ``tuple[X, Y]``, ``Mapping[str, object]``, and dataclasses of these.
"""

import dataclasses
import math
import types
from collections.abc import Mapping
from functools import cache
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NamedTuple,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from auricle.core.errors import LocalProtocolError

MAX_INTEGER: Final = 2**53 - 1
"""Largest integer that every JSON reader keeps exact (RFC 8259 §6)."""


class Range(NamedTuple):
    """Bounds of a number, both included."""

    low: float
    high: float = MAX_INTEGER


class MaxLength(NamedTuple):
    """Longest string (in code points) or tuple (in items) that is accepted."""

    length: int


class FieldError(LocalProtocolError, ValueError):
    """A field holds something its annotation does not allow. Whoever builds such a message has made a mistake.

    ``path`` is a JSON pointer (RFC 6901) to the field, ``why`` one clause that says what is expected.
    """

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path or '/'} {why}")
        self.path = path
        self.why = why


class Parsed(NamedTuple):
    """A value read from JSON, and the pointers to what was ignored on the way."""

    value: Any
    ignored: tuple[str, ...]


@cache
def hints(cls: type) -> Mapping[str, Any]:
    """The annotations of a dataclass with their limits, evaluated once a class."""
    return get_type_hints(cls, include_extras=True)


@cache
def _fields(cls: type) -> Mapping[str, dataclasses.Field[Any]]:
    return {field.name: field for field in dataclasses.fields(cls)}


@cache
def wire_names(cls: type) -> Mapping[str, str]:
    """Return each field's name on the wire: its own, without the underscore that keeps it from being a keyword."""
    return {name: name.rstrip("_") for name in _fields(cls)}


@cache
def _by_wire_name(cls: type) -> Mapping[str, str]:
    return {wire: name for name, wire in wire_names(cls).items()}


def check(instance: object) -> None:
    """Raise `FieldError` unless every field of a dataclass instance satisfies its annotation."""
    cls: type = type(instance)
    for name, wire in wire_names(cls).items():
        _check(getattr(instance, name), hints(cls)[name], f"/{wire}")


def _check(value: object, annotation: Any, path: str) -> None:
    origin = get_origin(annotation)
    if origin is Annotated:
        base, *limits = get_args(annotation)
        _check(value, base, path)
        for limit in limits:
            _check_limit(value, limit, path)
    elif origin in (Union, types.UnionType):
        if value is not None:
            _check(value, _some(annotation), path)
    elif origin is Literal:
        if value not in get_args(annotation):
            raise FieldError(path, f"must be one of {', '.join(map(str, get_args(annotation)))}")
    elif origin is tuple:
        _check_tuple(value, get_args(annotation), path)
    elif origin in (Mapping, dict):
        if not isinstance(value, Mapping):
            raise FieldError(path, "must be an object")
    else:
        _check_plain(value, annotation, path)


def is_finite(value: object) -> bool:
    """Whether a value is a number that a float can hold. JSON integers may be larger than any."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


def _check_plain(value: object, annotation: type, path: str) -> None:
    if annotation is float:
        if not is_finite(value):
            raise FieldError(path, "must be a finite number")
    elif annotation is int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise FieldError(path, "must be an integer")
    elif not isinstance(value, annotation):
        raise FieldError(path, f"must be a {_NAMES.get(annotation, annotation.__name__)}")
    elif isinstance(value, str) and not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
        # JSON can spell half a surrogate pair (RFC 8259 §8.2); nothing that echoes it could be sent as UTF-8.
        raise FieldError(path, "must be Unicode text, without lone surrogates")


def _check_tuple(value: object, items: tuple[Any, ...], path: str) -> None:
    if not isinstance(value, tuple):
        raise FieldError(path, "must be a list")
    annotations = [items[0]] * len(value) if items[-1] is Ellipsis else list(items)
    if len(annotations) != len(value):
        raise FieldError(path, f"must hold exactly {len(annotations)} items")
    for index, (item, annotation) in enumerate(zip(value, annotations, strict=True)):
        _check(item, annotation, f"{path}/{index}")


def _check_limit(value: object, limit: object, path: str) -> None:
    match limit:
        case Range(low, high) if isinstance(value, int | float) and not low <= value <= high:
            raise FieldError(path, f"must be between {low:g} and {high:g}")
        case MaxLength(length) if isinstance(value, str | tuple) and len(value) > length:
            unit = "characters" if isinstance(value, str) else "items"
            raise FieldError(path, f"must have at most {length} {unit}")
        case _:
            pass


def parse(cls: type, data: Mapping[str, Any], path: str = "") -> Parsed:
    """Build a dataclass from decoded JSON.

    Unknown fields are ignored and reported, as is an unknown value of an optional ``Literal`` (wire-protocols
    §3.10: "unknown enum value in an optional field → treat as absent and list it in ``ignored``"). Raises
    `FieldError` for a missing required field and for any value of the wrong type or size.
    """
    fields, values, ignored = _fields(cls), {}, []
    for key, raw in data.items():
        pointer = f"{path}/{key}"
        name = _by_wire_name(cls).get(key)
        if name is None:
            ignored.append(pointer)
            continue
        annotation = hints(cls)[name]
        if _is_unknown_option(raw, annotation) and _has_default(fields[name]):
            ignored.append(pointer)
            continue
        parsed = _parse(raw, annotation, pointer)
        values[name] = parsed.value
        ignored.extend(parsed.ignored)
    for name, field in fields.items():
        if name not in values and not _has_default(field):
            raise FieldError(f"{path}/{wire_names(cls)[name]}", "is missing")
    try:
        return Parsed(cls(**values), tuple(ignored))
    except FieldError as error:
        raise FieldError(path + error.path, error.why) from None


def _parse(raw: Any, annotation: Any, path: str) -> Parsed:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _parse(raw, get_args(annotation)[0], path)
    if origin in (Union, types.UnionType):
        return Parsed(None, ()) if raw is None else _parse(raw, _some(annotation), path)
    if origin is tuple:
        return _parse_list(raw, get_args(annotation), path)
    if dataclasses.is_dataclass(annotation):
        if not isinstance(raw, Mapping):
            raise FieldError(path, "must be an object")
        return parse(cast(type, annotation), raw, path)
    return Parsed(raw, ())


def _parse_list(raw: Any, items: tuple[Any, ...], path: str) -> Parsed:
    if not isinstance(raw, list):
        raise FieldError(path, "must be a list")
    annotations = [items[0]] * len(raw) if items[-1] is Ellipsis else list(items)
    if len(annotations) != len(raw):
        raise FieldError(path, f"must hold exactly {len(annotations)} items")
    parsed = [_parse(item, kind, f"{path}/{i}") for i, (item, kind) in enumerate(zip(raw, annotations, strict=True))]
    return Parsed(tuple(p.value for p in parsed), tuple(pointer for p in parsed for pointer in p.ignored))


def _some(annotation: Any) -> Any:
    return next(arg for arg in get_args(annotation) if arg is not types.NoneType)


def _is_unknown_option(raw: object, annotation: Any) -> bool:
    while get_origin(annotation) in (Annotated, Union, types.UnionType):
        annotation = get_args(annotation)[0] if get_origin(annotation) is Annotated else _some(annotation)
    return get_origin(annotation) is Literal and isinstance(raw, str) and raw not in get_args(annotation)


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


_LARGEST: Final = math.nextafter(math.inf, 0.0)
_NAMES: Final[Mapping[type, str]] = {str: "string", bool: "boolean"}
