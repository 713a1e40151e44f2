"""Where two JSON values differ, one sentence a place."""

from collections.abc import Iterator
from typing import Any

from auricle.core.trace.lines import dumps
from auricle.core.trace.values import parse_json


def differences(where: str, recorded: Any, now: Any) -> Iterator[str]:
    """Name each place below ``where`` that differs. 1, 1.0 and true are three; a frame is looked into."""
    if dumps(recorded) == dumps(now):
        return
    inner = tuple(_inner(where, recorded, now))
    yield from inner or (f"{where}: {_shown(recorded)} was recorded, now it is {_shown(now)}",)


def _inner(where: str, recorded: Any, now: Any) -> Iterator[str]:
    match recorded, now:
        case dict(), dict() if recorded.get("$") == now.get("$"):
            for name in dict.fromkeys((*recorded, *now)):
                yield from differences(f"{where} {name}", recorded.get(name), now.get(name))
        case list(), list() if len(recorded) == len(now):
            for index, (one, other) in enumerate(zip(recorded, now, strict=True)):
                yield from differences(f"{where} [{index}]", one, other)
        case str(), str() if where.endswith(" frame"):
            one, other = parse_json(recorded), parse_json(now)
            if isinstance(one, dict) and isinstance(other, dict):
                yield from differences(where, one, other)


def _shown(value: Any) -> str:
    return "nothing" if value is None else dumps(value)
