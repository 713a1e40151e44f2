"""The format of a trace: one JSON object a line. The first describes the session, each further one a call of a method.

A call's line holds the time, the method, its arguments, its outputs or exception, and the changed snapshot fields.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from auricle.core.framing import HEADER
from auricle.core.outputs import Transmit
from auricle.core.snapshot import Snapshot
from auricle.core.states import Role
from auricle.core.trace.observer import VerbCall
from auricle.core.trace.redaction import Redactor
from auricle.core.trace.values import TraceError, bytes_to_json, key_of, parse_json, to_json

VERSION: Final = 1
"""Version of the trace format; a trace of another version cannot be replayed."""
LATEST_S: Final = 1e12
"""Largest time on a session's clock. Much further on, a float cannot tell when a second has passed."""


class Header(NamedTuple):
    """The first line. Everything in it is JSON."""

    role: Role
    audio: bool
    """Whether the bytes of the audio are there, or only their number."""
    about: dict[str, Any]
    """What made this trace; free."""
    now: float
    made: dict[str, Any]
    """The arguments that the session was made with."""
    state: dict[str, Any]
    """The snapshot then, by field."""


class Call(NamedTuple):
    """One call of a verb. Everything in it is JSON."""

    now: float
    verb: str
    arguments: dict[str, Any]
    outputs: list[Any]
    raised: dict[str, Any] | None
    """Type and sentence of an exception."""
    state: dict[str, Any]
    """The fields of the snapshot that have changed."""


class TraceWriter:
    """Turns the calls of one session into lines. Never raises.

    ``redactor`` None: the values hold no secrets, for example because they come from a redacted trace.
    """

    def __init__(self, *, audio: bool, redactor: Redactor | None, about: Mapping[str, object]) -> None:
        self._audio = audio
        self._redactor = redactor
        self._about = about

    def header(self, s: Snapshot, made: Mapping[str, object]) -> str:
        """Return the first line, for a session just made with the arguments ``made``; ``s`` is its snapshot.

        The limits are written down as they are, not as they were left to be: another version may have other defaults.
        """
        arguments = {name: value for name, value in made.items() if name != "now"}
        state = {name: value for name, value in _fields("", s) if name != "limits"}
        return self._line(
            {
                "auricle_trace": VERSION,
                "role": s.role.value,
                "audio": self._audio,
                "about": self._plain(self._about),
                "now": self._plain(made.get("now", 0.0)),
                "made": self._plain({**arguments, "limits": s.limits}),
                "state": self._plain(state),
            }
        )

    def call(self, happening: VerbCall) -> str:
        """Return the line of a call."""
        head = HEADER.size if happening.before.config.audio.framing == "offset64" else 0
        line = {
            "now": self._plain(happening.now),
            "call": happening.verb,
            "with": {
                name: self._frame(value, head) if name == "frame" else self._plain(value)
                for name, value in happening.arguments.items()
            },
            "out": [
                # The message of a `Transmit` is its frame once more.
                {"$": "Transmit", "frame": self._frame(item.frame, head)}
                if isinstance(item, Transmit)
                else self._plain(item)
                for item in happening.outputs
            ],
            "state": self._plain(dict(_changes("", happening.before, happening.after))),
        }
        if happening.raised is not None:
            line["raised"] = {"type": type(happening.raised).__name__, "why": str(happening.raised)}
        return self._line(line)

    def _plain(self, value: object) -> Any:
        return to_json(value, audio=self._audio)

    def _frame(self, frame: object, head: int) -> Any:
        """Return a frame as JSON. The position header of an audio frame is written even where its audio is not."""
        if self._audio or not isinstance(frame, bytes):
            return self._plain(frame)
        return bytes_to_json(frame, kept=head)

    def _line(self, line: dict[str, Any]) -> str:
        return dumps(line if self._redactor is None else self._redactor.redact(line))


def dumps(value: object) -> str:
    """Return JSON that is one line for every reader, and valid UTF-8 even with lone surrogates (RFC 8259 §8.2).

    Text is not escaped, except for the characters at which some readers end a line.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    for separator in "\x85\u2028\u2029":
        text = text.replace(separator, f"\\u{ord(separator):04x}")
    return text


def _fields(prefix: str, value: Any) -> Iterator[tuple[str, object]]:
    """A snapshot by field; the fields of a part of it that is one, as ``part.field``."""
    for name, item in zip(value._fields, value, strict=True):
        if _is_record(item):
            yield from _fields(f"{prefix}{key_of(name)}.", item)
        else:
            yield prefix + key_of(name), item


def _changes(prefix: str, before: Snapshot | Any, after: Snapshot | Any) -> Iterator[tuple[str, object]]:
    for name, old, new in zip(after._fields, before, after, strict=True):
        if old is new:
            continue
        if _is_record(new) and type(old) is type(new):
            yield from _changes(f"{prefix}{key_of(name)}.", old, new)
        elif _is_record(new):
            yield from _fields(f"{prefix}{key_of(name)}.", new)
        elif old != new:
            yield prefix + key_of(name), new


def _is_record(value: object) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")


def parse_header(line: str) -> Header:
    """Read the first line. Raises `TraceError`."""
    body = _object(line)
    if "auricle_trace" not in body:
        raise TraceError("it does not begin as a trace does")
    if body["auricle_trace"] != VERSION:
        raise TraceError(f"the trace has format {body['auricle_trace']!r}, this version replays format {VERSION}")
    about = body.get("about", {})
    match body:
        case {"role": "client" | "server" as role, "audio": bool(audio), "made": dict(made), "state": dict(state)}:
            if isinstance(about, dict):
                return Header(Role(role), audio, about, _seconds(body.get("now")), made, state)
    raise TraceError("its first line is not the header of a trace")


def parse_call(line: str) -> Call:
    """Read a further line. Raises `TraceError`."""
    match body := _object(line):
        case {"call": str(verb), "with": dict(arguments), "out": list(outputs), "state": dict(state)}:
            raised = body.get("raised")
            if raised is None or isinstance(raised, dict):
                return Call(_seconds(body.get("now")), verb, arguments, outputs, raised, state)
    raise TraceError("it is not the call of a verb")


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LATEST_S:
        raise TraceError("it has no time")
    return value


def _object(line: str) -> dict[str, Any]:
    body = parse_json(line)
    if body is None:
        raise TraceError("it is not JSON")
    if not isinstance(body, dict):
        raise TraceError("it is not a JSON object")
    return body
