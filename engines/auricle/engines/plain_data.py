"""Values as plain data, and back: JSON for what is small, raw bytes for arrays. Nothing in it is ever executed.

What a value is, the reader knows: `from_plain` builds exactly the type it is asked for, from its annotations, and
raises `PlainDataError` for everything else. Types: None, ``bool``, ``int``, ``float``, ``str``, ``Literal`` of strings,
``X | None``, ``tuple[X, ...]``, ``tuple[X, Y]``, ``frozenset[X]``, ``object`` (JSON as it is), ``Mapping[str,
object]``, arrays of ``float32``, and dataclasses of these.
"""

import dataclasses
import math
import types
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

DTYPE: Final = np.dtype("<f4")
"""The one type of array elements."""
MOST_DIMENSIONS: Final = 4
MOST_DEPTH: Final = 32
"""Levels of nesting that plain JSON may have."""

Plain = Any
"""None, a bool, an int, a float, a str, a list of these, or a dict of these with str keys."""


class PlainDataError(ValueError):
    """A value is not of the type that was expected, or a type is none that can be plain data. One sentence."""


# ---------------------------------------------------------------------------- from values


def to_plain(value: object, arrays: list[memoryview] | None = None) -> Plain:
    """Return a value as JSON. Arrays are appended to ``arrays``. Raises `PlainDataError` for what has no plain form."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case np.generic():
            return to_plain(value.item())
        case np.ndarray():
            return _array_to_plain(value, arrays)
        case Mapping():
            if not all(isinstance(key, str) for key in value):
                raise PlainDataError("A mapping has a key that is no string.")
            return {key: to_plain(item, arrays) for key, item in value.items()}
        case frozenset():
            return sorted(to_plain(item, arrays) for item in value)
        case tuple() | list():
            return [to_plain(item, arrays) for item in value]
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: to_plain(getattr(value, field.name), arrays) for field in dataclasses.fields(value)}
        case _:
            raise PlainDataError(f"{type(value).__name__} has no plain form.")


def _array_to_plain(array: np.ndarray[Any, Any], arrays: list[memoryview] | None) -> Plain:
    if arrays is None:
        raise PlainDataError("There is no place for arrays here.")
    if array.dtype.kind != "f" or not 0 < array.ndim <= MOST_DIMENSIONS:
        raise PlainDataError(f"An array of {array.dtype} with {array.ndim} dimensions has no plain form.")
    arrays.append(memoryview(array.astype(DTYPE, copy=False).tobytes()))
    return {"array": len(arrays) - 1, "shape": list(array.shape)}


# ---------------------------------------------------------------------------- to values


def from_plain(kind: Any, plain: Plain, arrays: Sequence[memoryview] = (), *, at: str = "") -> Any:
    """Return the value of type ``kind`` that ``plain`` holds, ``at`` a place in the whole.

    Raises `PlainDataError` where it holds something else.
    """
    if kind is object:
        return _checked_json(plain, at, MOST_DEPTH)
    if kind in _SIMPLE:
        return _simple(kind, plain, at)
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, plain, arrays, at)
    origin, parts = get_origin(kind), get_args(kind)
    if origin is np.ndarray:
        return _array(plain, arrays, at)
    if origin in (Union, types.UnionType) and len(parts) == 2 and type(None) in parts:
        some = parts[0] if parts[1] is type(None) else parts[1]
        return None if plain is None else from_plain(some, plain, arrays, at=at)
    if origin is Literal:
        if not isinstance(plain, str) or plain not in parts:
            raise _wrong(at, f"one of {', '.join(map(str, parts))}")
        return plain
    if origin is tuple:
        return _tuple(parts, plain, arrays, at)
    if origin is frozenset:
        return frozenset(_items(parts[0], plain, arrays, at))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(plain, dict):
            raise _wrong(at, "an object")
        return _checked_json(plain, at, MOST_DEPTH)
    raise PlainDataError(f"{kind!r} is no type of plain data.")


_SIMPLE: Final = frozenset({type(None), bool, int, float, str})


def _simple(kind: type, plain: Plain, at: str) -> object:
    if kind is float and type(plain) is int:
        try:
            return float(plain)
        except OverflowError:
            raise _wrong(at, "a float") from None
    if type(plain) is not kind:
        raise _wrong(at, kind.__name__)
    return plain


def _dataclass(kind: Any, plain: Plain, arrays: Sequence[memoryview], at: str) -> object:
    if not isinstance(plain, dict):
        raise _wrong(at, "an object")
    hints = _hints(kind)
    if plain.keys() != hints.keys():
        raise _wrong(at, f"the fields of {kind.__name__}")
    values = {name: from_plain(hint, plain[name], arrays, at=f"{at}/{name}") for name, hint in hints.items()}
    try:
        return kind(**values)
    except ValueError as error:
        raise _wrong(at, f"a {kind.__name__}") from error


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    """Return the types of the fields of a dataclass, without limits that annotations carry."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _tuple(parts: tuple[Any, ...], plain: Plain, arrays: Sequence[memoryview], at: str) -> tuple[object, ...]:
    if len(parts) == 2 and parts[1] is Ellipsis:
        return tuple(_items(parts[0], plain, arrays, at))
    if not isinstance(plain, list) or len(plain) != len(parts):
        raise _wrong(at, f"a list of {len(parts)}")
    return tuple(
        from_plain(part, item, arrays, at=f"{at}/{number}")
        for number, (part, item) in enumerate(zip(parts, plain, strict=True))
    )


def _items(kind: Any, plain: Plain, arrays: Sequence[memoryview], at: str) -> list[Any]:
    if not isinstance(plain, list):
        raise _wrong(at, "a list")
    return [from_plain(kind, item, arrays, at=f"{at}/{number}") for number, item in enumerate(plain)]


def _array(plain: Plain, arrays: Sequence[memoryview], at: str) -> np.ndarray[Any, Any]:
    if not isinstance(plain, dict) or plain.keys() != {"array", "shape"}:
        raise _wrong(at, "an array")
    number, shape = plain["array"], plain["shape"]
    if type(number) is not int or not 0 <= number < len(arrays):
        raise _wrong(at, "the number of an array that is there")
    if not isinstance(shape, list) or not 0 < len(shape) <= MOST_DIMENSIONS:
        raise _wrong(at, "an array of so few dimensions")
    if not all(type(length) is int and length >= 0 for length in shape):
        raise _wrong(at, "an array with lengths")
    data = arrays[number]
    if math.prod(shape) * DTYPE.itemsize != len(data):
        raise _wrong(at, "an array as long as its shape says")
    try:
        return np.frombuffer(data, dtype=DTYPE).reshape(shape)
    except (ValueError, OverflowError):  # no elements, and a length that is beyond all
        raise _wrong(at, "an array with lengths") from None


def _checked_json(plain: Plain, at: str, depth: int) -> Plain:
    """Return JSON as it is. Raises `PlainDataError` where it is none, or nested too deep."""
    if depth == 0:
        raise _wrong(at, "less deeply nested")
    match plain:
        case None | bool() | int() | float() | str():
            return plain
        case list():
            return [_checked_json(item, at, depth - 1) for item in plain]
        case dict() if all(isinstance(key, str) for key in plain):
            return {key: _checked_json(item, at, depth - 1) for key, item in plain.items()}
        case _:
            raise _wrong(at, "JSON")


def _wrong(at: str, expected: str) -> PlainDataError:
    return PlainDataError(f"{at or '/'} is not {expected}.")
