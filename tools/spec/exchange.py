"""Two real cores under virtual time, a wire between them that can break, and a record of what crosses it."""

from collections import deque
from dataclasses import dataclass, field
from typing import assert_never

from auricle.core import (
    PROTOCOL,
    AbortTransport,
    AdoptTransport,
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
from auricle.core.errors import ABNORMAL_CLOSURE
from auricle.core.first_frame import read_resume
from auricle.core.framing import HEADER
from auricle.core.messages import Audio, Gap, Message, Resumed
from auricle.core.session import Outputs, Session


@dataclass(frozen=True, slots=True)
class Said:
    """One frame, and who sent it."""

    by: Role
    frame: Frame
    position: int = 0
    """Of audio: the first sample."""
    arrives: bool = True


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
        self.server = self._new_server()
        self._wire: deque[tuple[Role, Transmit | CloseTransport]] = deque()
        self._opens_at: float | None = None
        self._greeted = True
        self._tokens = 0
        self._sent = 0
        self.swallows = False
        """Whatever is said from now on is lost on its way."""

    def open(self) -> None:
        """The client connects."""
        self.do(Role.CLIENT, self.client.connect(now=self.now))
        self.wait(0)

    def do(self, role: Role, outputs: Outputs) -> None:
        """Carry out what a session wants done, and everything that follows from it."""
        self._carry_out(role, outputs)
        while self._wire:
            sender, item = self._wire.popleft()
            self._deliver(sender, item)

    def raw(self, frame: Frame, position: int = 0) -> None:
        """A client of another make says something that ours would not."""
        self.lines.append(Said(Role.CLIENT, frame, position))
        self.do(Role.SERVER, self.server.receive(frame, now=self.now))

    def note(self, text: str) -> None:
        """Say what happens beside the wire."""
        self.lines.append(Note(text))

    def token(self) -> str:
        """Return a token that has not been used."""
        self._tokens += 1
        return f"token-{self._tokens}"

    def cut(self) -> None:
        """The connection breaks; both ends learn it."""
        self.note("the connection breaks")
        self.swallows = False
        for role in Role:
            self.do(role, self._session(role).transport_lost("reset", ABNORMAL_CLOSURE, now=self.now))

    def forget(self) -> None:
        """The server loses its memory."""
        self.server = self._new_server()

    def wait(self, seconds: float) -> None:
        """Let time pass: timers fire, and transports that were asked for open."""
        until = self.now + seconds
        while (due := self._next_due()) is not None and due[0] <= until:
            self.now = max(self.now, due[0])
            if due[1] is None:
                self._open_transport()
            else:
                self.do(due[1], self._session(due[1]).handle_timeout(now=self.now))
        self.now = until

    def _next_due(self) -> tuple[float, Role | None] | None:
        """Return when the next thing happens by itself: a timer of one side, or (None) a transport opens."""
        due: list[tuple[float, Role | None]] = [
            (deadline, role) for role in Role if (deadline := self._session(role).next_deadline) is not None
        ]
        if self._opens_at is not None:
            due.insert(0, (self._opens_at, None))
        return min(due, key=lambda item: item[0], default=None)

    def _open_transport(self) -> None:
        self._opens_at, self._greeted = None, False
        self.do(Role.CLIENT, self.client.transport_opened(self.subprotocol, now=self.now))

    def _new_server(self) -> ServerSession:
        return ServerSession(self.subprotocol, now=self.now, limits=self.limits)

    def _session(self, role: Role) -> Session:
        return self.client if role is Role.CLIENT else self.server

    def _carry_out(self, role: Role, outputs: Outputs) -> None:
        for output in outputs:
            match output:
                case Transmit(frame=frame, message=message):
                    self.lines.append(Said(role, frame, self._position(message), not self.swallows))
                    self._send(role, output)
                case CloseTransport(code=code, reason=reason):
                    self.lines.append(Hung(role, code, reason))
                    self._send(role, output)
                case OpenTransport(not_before=at):
                    if self.lines:
                        self.note(f"the client connects again after {at - self.now:.2f} s")
                    self._opens_at = at
                case Emit() | AbortTransport() | AdoptTransport():
                    pass
                case _:
                    assert_never(output)

    def _send(self, role: Role, item: Transmit | CloseTransport) -> None:
        if not self.swallows:
            self._wire.append((role, item))

    def _position(self, message: Message) -> int:
        """Return where a message that is just being sent stands on the timeline, and count what it sends."""
        here = self._sent
        match message:
            case Start(timeline_origin=origin):
                self._sent = origin or 0
            case Resumed(next=sample):
                self._sent = sample
            case Gap(samples=samples):
                self._sent += samples
            case Audio(data=data):
                header = HEADER.size if self.config.audio.framing == "offset64" else 0
                self._sent += (len(data) - header) // self.config.audio.frame_bytes
            case _:
                pass
        return here

    def _deliver(self, sender: Role, item: Transmit | CloseTransport) -> None:
        receiver = Role.SERVER if sender is Role.CLIENT else Role.CLIENT
        if receiver is Role.SERVER and isinstance(item, Transmit) and not self._greeted:
            self._greet(item.frame)
            return
        session = self._session(receiver)
        if not session.snapshot.attached:
            return
        if isinstance(item, Transmit):
            self._carry_out(receiver, session.receive(item.frame, now=self.now))
        else:
            self._carry_out(receiver, session.transport_lost("eof", item.code, item.reason, now=self.now))

    def _greet(self, frame: Frame) -> None:
        """The first frame of a connection: it is for a session that is known, or for a new one."""
        self._greeted = True
        resume = read_resume(frame, self.limits)
        if resume is not None and self.server.admits(resume):
            outputs = self.server.attach(resume, fresh_token=self.token(), now=self.now)
        else:
            self.server = self._new_server()
            outputs = self.server.receive(frame, now=self.now)
        self._carry_out(Role.SERVER, outputs)
