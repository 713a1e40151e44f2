"""Conversion of the core's values to JSON and back, for trace lines.

Dataclasses carry the name of their class under ``$``; values without a JSON form have a key of their own: ``$bytes``,
``$float``, ``$opaque``. A key of a plain object that begins with ``$`` gets another one. Writing is total; reading
raises `TraceError` and nothing else.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final

from auricle.core import events, limits, messages, outputs, parts
from auricle.core.errors import AuricleError

MAX_DEPTH: Final = 64
"""Deepest nesting that is written; a peer may nest its objects without limit."""
MAX_BYTES: Final = 64 * 1024 * 1024
"""Most bytes that one value of a trace may stand for."""
_MAX_INTEGER_BITS: Final = 4096


class TraceError(AuricleError):
    """The text is not a trace, or not one that this version can replay. The message is one sentence."""


KINDS: Final[Mapping[str, type]] = {
    kind.__name__: kind
    for module in (parts, messages, limits, outputs, events)
    for kind in vars(module).values()
    if isinstance(kind, type) and is_dataclass(kind)
}
"""Every class that a trace may name."""


_KEYS: Final[Mapping[str, str]] = {
    "sent": "carried",
    "ring_start": "kept_from",
    "stable_prefix": "promised",
    "outbox_sent": "posted",
    "deferred_warnings": "unsaid",
    "awaited": "asked",
    "previous_token": "previous",
    "resumed_at": "back_at",
    "acked_seq": "told",
    "retain_audio": "keeping",
}
"""Snapshot fields whose key in a trace is another one: the file format stays as it is when a field is renamed."""


def key_of(name: str) -> str:
    """Return the key that stands for a field of the snapshot in a trace."""
    return _KEYS.get(name, name)


def parse_json(text: str) -> Any:
    """Return what a text holds; None where that is no JSON, or nested deeper than anything that is written down."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if _is_shallow(value, 2 * MAX_DEPTH) else None


def _is_shallow(value: Any, depth: int) -> bool:
    items: Iterable[Any] = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return depth > 0 and all(_is_shallow(item, depth - 1) for item in items)


def to_json(value: object, *, audio: bool, depth: int = MAX_DEPTH) -> Any:
    """Return a value as JSON. ``audio``: bytes are written down, not only counted. Never raises."""
    if depth == 0:
        return {"$opaque": "nested too deeply"}

    def inner(item: object) -> Any:
        return to_json(item, audio=audio, depth=depth - 1)

    match value:
        case None | bool() | str():
            return value
        case int() if value.bit_length() <= _MAX_INTEGER_BITS:
            return value
        case float():
            return value if math.isfinite(value) else {"$float": repr(value)}
        case bytes():
            return bytes_to_json(value, kept=len(value) if audio else 0)
        case Enum():
            return value.value
        case tuple() if hasattr(value, "_fields"):
            return {key_of(name): inner(item) for name, item in zip(value._fields, value, strict=True)}
        case tuple() | list():
            return [inner(item) for item in value]
        case Mapping():
            return {_escaped(str(key)): inner(item) for key, item in value.items()}
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {"$": type(value).__name__} | {
                field.name: inner(item)
                for field in fields(value)
                if (item := getattr(value, field.name)) is not None or field.default is not None
            }
        case _:
            return {"$opaque": type(value).__name__}


def bytes_to_json(value: bytes, *, kept: int) -> Any:
    """Return the number of bytes, and the first ``kept`` of them as they are."""
    return {"$bytes": len(value), "hex": value[:kept].hex()} if kept and value else {"$bytes": len(value)}


def _escaped(key: str) -> str:
    return f"${key}" if key.startswith("$") else key


def from_json(raw: Any, sequence: type[tuple[Any, ...]] | type[list[Any]] = tuple) -> Any:
    """Return the value that JSON stands for.

    Lists become ``sequence``: tuples in our own classes, lists in plain objects, which are JSON all the way down.
    Bytes that were not written down are zeros.
    """
    match raw:
        case list():
            return sequence(from_json(item, sequence) for item in raw)
        case {"$bytes": int(count), **rest}:
            return _bytes(count, rest.get("hex"))
        case {"$float": "inf" | "-inf" | "nan" as name}:
            return float(name)
        case {"$opaque": name}:
            raise TraceError(f"a value was not written down ({name})")
        case {"$": name, **rest}:
            return _instance(name, rest)
        case dict():
            return {key.removeprefix("$"): from_json(item, list) for key, item in raw.items()}
        case _:
            return raw


def _bytes(count: int, digits: object) -> bytes:
    if not 0 <= count <= MAX_BYTES:
        raise TraceError(f"{count} bytes are no length")
    try:
        data = bytes.fromhex("" if digits is None else str(digits))
    except ValueError:
        raise TraceError("the bytes are not hexadecimal") from None
    if len(data) > count:
        raise TraceError(f"there are {len(data)} bytes where {count} are said to be")
    return data.ljust(count, b"\0")


def _instance(name: object, rest: Mapping[Any, Any]) -> Any:
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise TraceError(f"this version knows no {name!r}")
    known = {field.name for field in fields(kind)}
    if strange := [key for key in rest if key not in known]:
        raise TraceError(f"this version's {name} has no {strange[0]!r}")
    try:
        return kind(**{key: from_json(item) for key, item in rest.items()})
    except (TypeError, ValueError) as error:
        raise TraceError(f"{name}: {error}") from None
