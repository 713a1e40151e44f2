"""A trace in readable form: who sent what and when, one line for each message."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final, NamedTuple

from auricle.core.states import Role
from auricle.core.trace.lines import Call, Header
from auricle.core.trace.values import parse_json

_NAMES: Final = {Role.CLIENT: "C>", Role.SERVER: "S>"}
_PEER: Final = {Role.CLIENT: Role.SERVER, Role.SERVER: Role.CLIENT}


class Line(NamedTuple):
    """One message or happening."""

    at: float
    """Seconds since the session was made."""
    who: str
    """``C>`` the client, ``S>`` the server, ``--`` the transport and the application of the side that recorded."""
    text: str
    audio: int | None = None
    """Bytes of audio, where that is all there is to it."""


def dialogue(header: Header, calls: Iterable[Call]) -> Iterator[str]:
    """Yield one line for each message; consecutive audio frames share one line."""
    said = (line._replace(at=call.now - header.now) for call in calls for line in _said(header.role, call))
    for _, group in groupby(enumerate(said), lambda item: item[1].who if item[1].audio is not None else item[0]):
        lines = [line for _, line in group]
        yield _shown(lines[0] if len(lines) == 1 else _together(lines))


def _shown(line: Line) -> str:
    text = line.text if line.audio is None else f"{line.text}, {line.audio} bytes"
    return f"{line.at:10.3f}  {line.who} {text}"


def _together(lines: list[Line]) -> Line:
    total = sum(line.audio or 0 for line in lines)
    return lines[0]._replace(text=f"audio in {len(lines)} frames", audio=total)


def _said(role: Role, call: Call) -> Iterator[Line]:
    peer = _NAMES[_PEER[role]]
    if call.verb == "receive":
        yield _frame(peer, call.arguments.get("frame"))
    elif call.verb == "attach" and isinstance(resume := call.arguments.get("resume"), dict):
        # The first message of a connection that is handed over has been read before the session gets it.
        yield Line(0.0, peer, " ".join(("resume", *_pairs({k: v for k, v in resume.items() if k != "$"}))))
    elif call.verb.startswith("transport_"):
        yield Line(0.0, "--", " ".join((call.verb.replace("_", " "), *_pairs(call.arguments))))
    if call.raised is not None:
        yield Line(0.0, "--", f"{call.verb} raised {call.raised.get('type')}: {call.raised.get('why')}")
    for output in call.outputs:
        yield from _done(role, output)


def _done(role: Role, output: Any) -> Iterator[Line]:
    match output:
        case {"$": "Transmit", "frame": frame}:
            yield _frame(_NAMES[role], frame)
        case {"$": "Emit", "event": {"$": "SessionClosed", "message": why, "reason": reason, **fields}}:
            yield Line(0.0, "--", f"closed: {why} ({reason}, {_closing_sentence(fields.get('complete'))})")
        case {"$": str(name), **fields} if name != "Emit":
            yield Line(0.0, "--", " ".join((name, *_pairs(fields))))
        case _:
            pass  # an event repeats what the message has said


def _closing_sentence(complete: object) -> str:
    return "unverified" if complete is None else "complete" if complete is True else "incomplete"


def _frame(who: str, frame: Any) -> Line:
    match frame:
        case {"$bytes": int(count)}:
            return Line(0.0, who, "audio", count)
        case str():
            return Line(0.0, who, _message(frame))
        case _:
            return Line(0.0, who, json.dumps(frame))


def _message(frame: str) -> str:
    """Return a message as its type and its fields; a frame that is no message as a quoted string."""
    match parse_json(frame):
        case {"type": str(name), **fields}:
            return " ".join((name, *_pairs(fields)))
        case _:
            return json.dumps(frame, ensure_ascii=False)


def _pairs(fields: Mapping[Any, Any]) -> Iterator[str]:
    return (f"{name}={json.dumps(value, ensure_ascii=False, separators=(',', ':'))}" for name, value in fields.items())
