"""Validation and parsing of messages from the annotations of their classes.

Messages are frozen dataclasses whose annotations carry their limits (``Annotated[int, Range(0)]``). The check of a
new instance, the decoder and the generated JSON Schema are all made from these annotations, so they agree.

Supported annotations: ``str``, ``int``, ``float``, ``bool``, ``Literal`` of strings, ``X | None``,
``tuple[X, ...]``, ``tuple[X, Y]``, ``Mapping[str, object]``, and dataclasses of these.
"""

import dataclasses
import math
import types
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
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
"""Largest integer that every JSON reader represents exactly (RFC 8259 §6)."""
LAST_POSITION: Final = 2**52
"""Highest position of a timeline, and highest number of a segment: the sum of two of them is still exact."""


class Range(NamedTuple):
    """Bounds of a number, both included."""

    low: float
    high: float = MAX_INTEGER


class MaxLength(NamedTuple):
    """Longest string (in code points) or tuple (in items) that is accepted."""

    length: int


class FieldError(LocalProtocolError, ValueError):
    """The value of a field is not what its annotation allows.

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


Check = Callable[[object, str], None]
"""Raises `FieldError`, with the pointer it is given, unless the value is what an annotation allows."""


def check(instance: object) -> None:
    """Raise `FieldError` unless every field of a dataclass instance satisfies its annotation."""
    cls: type = type(instance)
    for name, pointer, check_field in _checks(cls):
        check_field(getattr(instance, name), pointer)


@cache
def _checks(cls: type) -> tuple[tuple[str, str, Check], ...]:
    """Field by field: name, pointer and check. Annotations are read once a class, not once a message."""
    return tuple((name, f"/{wire}", _checker(hints(cls)[name])) for name, wire in wire_names(cls).items())


def _checker(annotation: Any) -> Check:
    origin = get_origin(annotation)
    if origin is Annotated:
        base, *limits = get_args(annotation)
        return _limited(_checker(base), limits)
    if origin in (Union, types.UnionType):
        return _optional(_checker(_some(annotation)))
    if origin is Literal:
        return partial(_check_literal, get_args(annotation))
    if origin is tuple:
        return _tuple_checker(get_args(annotation))
    if origin in (Mapping, dict):
        return _check_object
    return partial(_check_plain, annotation)


def _limited(check_base: Check, limits: Sequence[object]) -> Check:
    def check_limited(value: object, path: str) -> None:
        check_base(value, path)
        for limit in limits:
            _check_limit(value, limit, path)

    return check_limited


def _optional(check_some: Check) -> Check:
    def check_optional(value: object, path: str) -> None:
        if value is not None:
            check_some(value, path)

    return check_optional


def _check_literal(options: tuple[str, ...], value: object, path: str) -> None:
    if value not in options:
        raise FieldError(path, f"must be one of {', '.join(map(str, options))}")


def _check_object(value: object, path: str) -> None:
    if not isinstance(value, Mapping):
        raise FieldError(path, "must be an object")
    # With a list of what is left instead of a recursion: a peer decides how deep an object is.
    unchecked: list[object] = [value]
    while unchecked:
        item = unchecked.pop()
        if isinstance(item, str):
            _check_text(item, path)
        elif isinstance(item, Mapping):
            unchecked += (*item.keys(), *item.values())
        elif isinstance(item, list | tuple):
            unchecked += item


def _check_text(value: str, path: str) -> None:
    """Refuse half a surrogate pair, which JSON can spell (RFC 8259 §8.2): no echo of it could be sent as UTF-8."""
    if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
        raise FieldError(path, "must be Unicode text, without lone surrogates")


def is_finite(value: object) -> bool:
    """Whether a value is a number that a float can hold. JSON integers may be larger than any."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


def _check_plain(annotation: type, value: object, path: str) -> None:
    if annotation is float:
        if not is_finite(value):
            raise FieldError(path, "must be a finite number")
    elif annotation is int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise FieldError(path, "must be an integer")
    elif not isinstance(value, annotation):
        name = _NAMES.get(annotation, annotation.__name__)
        raise FieldError(path, f"must be {'an' if name[0] in 'AEIOU' else 'a'} {name}")
    elif isinstance(value, str):
        _check_text(value, path)


def _tuple_checker(items: tuple[Any, ...]) -> Check:
    """Return the check of ``tuple[X, ...]`` or of ``tuple[X, Y]``."""
    length = None if items[-1] is Ellipsis else len(items)
    checks = [_checker(item) for item in items if item is not Ellipsis]

    def check_tuple(value: object, path: str) -> None:
        if not isinstance(value, tuple):
            raise FieldError(path, "must be a list")
        if length is not None and len(value) != length:
            raise FieldError(path, f"must hold exactly {length} items")
        for index, item in enumerate(value):
            checks[0 if length is None else index](item, f"{path}/{index}")

    return check_tuple


def _check_limit(value: object, limit: object, path: str) -> None:
    if isinstance(limit, Range):
        if isinstance(value, int | float) and not limit.low <= value <= limit.high:
            raise FieldError(path, f"must be between {limit.low:g} and {limit.high:g}")
    elif isinstance(limit, MaxLength) and isinstance(value, str | tuple) and len(value) > limit.length:
        unit = "characters" if isinstance(value, str) else "items"
        raise FieldError(path, f"must have at most {limit.length} {unit}")


def parse(cls: type, data: Mapping[str, Any], path: str = "") -> Parsed:
    """Build a dataclass from decoded JSON.

    Unknown fields are ignored and reported, as is an unknown value of an optional ``Literal`` (wire-protocols
    §3.10: "unknown enum value in an optional field → treat as absent and list it in ``ignored``"). Raises
    `FieldError` for a missing required field and for any value of the wrong type or size.
    """
    plan, values, ignored = _plan(cls), {}, []
    for key, raw in data.items():
        slot = plan.get(key)
        if slot is None or (slot.options is not None and isinstance(raw, str) and raw not in slot.options):
            ignored.append(f"{path}/{key}")
        elif slot.is_leaf:
            values[slot.name] = raw
        else:
            parsed = _parse(raw, slot.annotation, f"{path}/{key}")
            values[slot.name] = parsed.value
            ignored.extend(parsed.ignored)
    for key, slot in plan.items():
        if slot.is_required and slot.name not in values:
            raise FieldError(f"{path}/{key}", "is missing")
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


class _Slot(NamedTuple):
    """What `parse` needs to know of a field; read once a class."""

    name: str
    annotation: Any
    is_leaf: bool
    """The JSON value is used as it is. It is checked when the message is made."""
    is_required: bool
    options: tuple[object, ...] | None
    """The values of a ``Literal`` that may be absent: any other string counts as absent."""


@cache
def _plan(cls: type) -> Mapping[str, _Slot]:
    """Return the fields by their names on the wire."""
    fields = _fields(cls)
    return {wire: _slot(fields[name], hints(cls)[name]) for name, wire in wire_names(cls).items()}


def _slot(field: dataclasses.Field[Any], annotation: Any) -> _Slot:
    bare, is_required = _bare(annotation), not _has_default(field)
    return _Slot(
        name=field.name,
        annotation=annotation,
        is_leaf=get_origin(bare) is not tuple and not dataclasses.is_dataclass(bare),
        is_required=is_required,
        options=get_args(bare) if get_origin(bare) is Literal and not is_required else None,
    )


def _bare(annotation: Any) -> Any:
    """Return what an annotation is about, without its limits and whether it is optional."""
    while get_origin(annotation) in (Annotated, Union, types.UnionType):
        annotation = get_args(annotation)[0] if get_origin(annotation) is Annotated else _some(annotation)
    return annotation


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


_LARGEST: Final = math.nextafter(math.inf, 0.0)
_NAMES: Final[Mapping[type, str]] = {str: "string", bool: "boolean"}
