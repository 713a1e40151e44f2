"""Two real cores back to back under virtual time, and a record of what crosses between them."""

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final, assert_never

from auricle.core import (
    PROTOCOL,
    AbortTransport,
    ClientSession,
    CloseTransport,
    Emit,
    Frame,
    Limits,
    OpenTransport,
    Role,
    ServerSession,
    Start,
    Transmit,
)
from auricle.core.session import Outputs, Session

WIDTH: Final = 112
"""Longest line of a frame, in characters."""


@dataclass(frozen=True, slots=True)
class Said:
    """One frame, and who sent it."""

    by: Role
    frame: Frame
    position: int = 0
    """Of audio: the first sample."""


@dataclass(frozen=True, slots=True)
class Hung:
    """A Close frame."""

    by: Role
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """What happens beside the wire."""

    text: str


Line = Said | Hung | Note


@dataclass
class Exchange:
    """A conversation that is being recorded. Whatever one side says is delivered to the other at once, in order."""

    config: Start = field(default_factory=Start)
    limits: Limits = field(default_factory=Limits)
    subprotocol: str | None = PROTOCOL
    now: float = 0.0

    def __post_init__(self) -> None:
        self.lines: list[Line] = []
        self.client = ClientSession(self.config, now=self.now, limits=self.limits, allow_legacy=True)
        self.server = ServerSession(self.subprotocol, now=self.now, limits=self.limits)
        self._wire: deque[tuple[Role, Transmit | CloseTransport]] = deque()

    def open(self) -> None:
        """The client connects."""
        self.do(Role.CLIENT, self.client.connect(now=self.now))

    def do(self, role: Role, outputs: Outputs) -> None:
        """Carry out what a session wants done, and everything that follows from it."""
        self._carry_out(role, outputs)
        while self._wire:
            sender, item = self._wire.popleft()
            self._deliver(sender, item)

    def raw(self, frame: Frame) -> None:
        """A client of another make says something that ours would not."""
        self.lines.append(Said(Role.CLIENT, frame))
        self.do(Role.SERVER, self.server.receive(frame, now=self.now))

    def note(self, text: str) -> None:
        """Say what happens beside the wire."""
        self.lines.append(Note(text))

    def wait(self, seconds: float) -> None:
        """Let time pass; timers fire."""
        until = self.now + seconds
        while True:
            due = [
                (deadline, role.value, role)
                for role in Role
                if (deadline := self._session(role).next_deadline) is not None and deadline <= until
            ]
            if not due:
                break
            deadline, _, role = min(due)
            self.now = max(self.now, deadline)
            self.do(role, self._session(role).handle_timeout(now=self.now))
        self.now = until

    def _session(self, role: Role) -> Session:
        return self.client if role is Role.CLIENT else self.server

    def _carry_out(self, role: Role, outputs: Outputs) -> None:
        for output in outputs:
            match output:
                case Transmit(frame=frame):
                    position = 0
                    if isinstance(frame, bytes):
                        position = self.client.snapshot.carried - len(frame) // self.config.audio.frame_bytes
                    self.lines.append(Said(role, frame, position))
                    self._wire.append((role, output))
                case CloseTransport(code=code, reason=reason):
                    self.lines.append(Hung(role, code, reason))
                    self._wire.append((role, output))
                case OpenTransport():
                    self._carry_out(Role.CLIENT, self.client.transport_opened(self.subprotocol, now=self.now))
                case Emit() | AbortTransport():
                    pass
                case _:
                    assert_never(output)

    def _deliver(self, sender: Role, item: Transmit | CloseTransport) -> None:
        receiver = Role.SERVER if sender is Role.CLIENT else Role.CLIENT
        session = self._session(receiver)
        if not session.snapshot.attached:
            return
        if isinstance(item, Transmit):
            self._carry_out(receiver, session.receive(item.frame, now=self.now))
        else:
            self._carry_out(receiver, session.transport_lost("eof", item.code, item.reason, now=self.now))


# ---------------------------------------------------------------------------- as text


def as_text(lines: list[Line], elided: frozenset[str] = frozenset()) -> str:
    """Return a recorded conversation as text. Values of the keys in ``elided`` are shown as an ellipsis."""
    return "\n".join(_line(line, elided) for line in lines)


def _line(line: Line, elided: frozenset[str]) -> str:
    match line:
        case Note(text=text):
            return f"-- {text}"
        case Hung(by=by, code=code, reason=reason):
            return f"{_who(by)} Close {code} {reason!r}".rstrip()
        case Said(by=by, frame=bytes() as audio, position=position):
            return f"{_who(by)} (binary: {len(audio)} bytes of audio, from sample {position})"
        case Said(by=by, frame=frame):
            return f"{_who(by)} {_layout(json.loads(frame), '   ', elided)}"
        case _:
            assert_never(line)


def _who(role: Role) -> str:
    return "C>" if role is Role.CLIENT else "S>"


def _layout(value: Any, indent: str, elided: frozenset[str]) -> str:
    """Return JSON in lines that can be read, as few as possible."""
    if not isinstance(value, dict) or len(_compact(value, elided)) + len(indent) <= WIDTH:
        return _compact(value, elided)
    inner, lines, line = indent + " ", [], ""
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
