"""A recorded conversation as text."""

import json
from collections.abc import Iterable
from typing import Any, Final, assert_never

from auricle.core import Role
from spec.exchange import Hung, Line, Note, Said

WIDTH: Final = 112
"""Longest line of a frame, in characters, where it can be broken."""


def as_text(lines: Iterable[Line], elided: frozenset[str] = frozenset()) -> str:
    """Return a conversation, a frame or a remark a line. Values of the keys in ``elided`` are shown as an ellipsis."""
    return "\n".join(_line(line, elided) for line in lines)


def _line(line: Line, elided: frozenset[str]) -> str:
    match line:
        case Note(text=text):
            return f"-- {text}"
        case Hung(by=by, code=code, reason=reason):
            return f'{_who(by)} Close {code} "{reason}"'
        case Said(by=by, frame=bytes() as audio, position=position, arrives=arrives):
            return f"{_who(by, arrives=arrives)} (binary: {len(audio)} bytes, from sample {position})"
        case Said(by=by, frame=frame, arrives=arrives):
            return f"{_who(by, arrives=arrives)} {_layout(json.loads(frame), '   ', elided)}"
        case _:
            assert_never(line)


def _who(role: Role, *, arrives: bool = True) -> str:
    return ("C" if role is Role.CLIENT else "S") + (">" if arrives else "~")


def _layout(value: Any, indent: str, elided: frozenset[str]) -> str:
    """Return JSON in lines that can be read, as few as possible."""
    if not isinstance(value, dict) or len(_compact(value, elided)) + len(indent) <= WIDTH:
        return _compact(value, elided)
    inner, lines, line = indent + " ", list[str](), ""
    for index, (key, item) in enumerate(value.items()):
        member = f"{json.dumps(key)}:{'…' if key in elided else _layout(item, inner, elided)}"
        member += "," if index < len(value) - 1 else "}"
        if line and len(inner) + len(line) + len(member.partition("\n")[0]) > WIDTH:
            lines.append(line)
            line = ""
        line += member
        if "\n" in member:
            lines.append(line)
            line = ""
    return "{" + f"\n{inner}".join([*lines, line] if line else lines)


def _compact(value: Any, elided: frozenset[str]) -> str:
    if isinstance(value, dict):
        members = (f"{json.dumps(k)}:{'…' if k in elided else _compact(v, elided)}" for k, v in value.items())
        return "{" + ",".join(members) + "}"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
