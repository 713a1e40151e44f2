"""Two cores back to back: channels in the hands of a test, virtual time, and a deterministic engine.

``link.client`` and ``link.server`` are real sessions. What they transmit waits in ``link.to_server`` and
``link.to_client`` until it is delivered; `Link.settle` delivers all and lets the engine work until nothing moves.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal, assert_never

from auricle.core import (
    PROTOCOL,
    AbortTransport,
    AdoptTransport,
    AudioReceived,
    AudioSkipped,
    ClientSession,
    CloseTransport,
    ConfigureRequested,
    Emit,
    FlushRequested,
    Frame,
    InputFinished,
    Limits,
    OpenTransport,
    ServerInfo,
    ServerSession,
    SessionClosed,
    Start,
    Started,
    State,
    Transmit,
)
from auricle.core.first_frame import read_resume
from auricle.core.session import Outputs, Session

SEGMENT = 1_000
"""The engine ends an utterance after this many samples."""
PARTIAL = 400
"""It says a partial when at least this much of an utterance has come."""
Side = Literal["client", "server"]


@dataclass
class Cut:
    """The end of what a channel carries: a Close frame, or the connection breaking."""

    how: Literal["eof", "reset"]
    code: int = 1006


@dataclass
class Link:
    """A conversation under control."""

    limits: Limits = field(default_factory=Limits)
    config: Start = field(default_factory=Start)
    subprotocol: str | None = PROTOCOL
    now: float = 0.0
    opens: bool = True
    """Whether the transport opens at once; if not, `open` opens it."""
    allow_legacy: bool = False
    resumable: bool = False
    opens_at: float | None = None

    def __post_init__(self) -> None:
        self.client = ClientSession(self.config, now=self.now, limits=self.limits, allow_legacy=self.allow_legacy)
        self.server = ServerSession(self.subprotocol, now=self.now, limits=self.limits)
        self.to_server: deque[Frame | Cut] = deque()
        self.to_client: deque[Frame | Cut] = deque()
        self.client_events: list[Any] = []
        self.server_events: list[Any] = []
        self.engine = DeterministicEngine(self)
        self.opened = False
        self.greeted = True
        """Whether the server has heard the first message of this connection."""
        self.tokens: Iterator[str] = (f"t{number}" for number in count(1))
        self.servers: list[ServerSession] = []
        """Sessions that clients may come back to."""
        self.restarted = False
        """The server's process is a new one: it knows no session from before."""
        self.route("client", self.client.connect(now=self.now))

    # ------------------------------------------------------------------------ the wire

    def route(self, side: Side, outputs: Outputs) -> None:
        """Do what a session wants done, as a driver would."""
        channel = self.to_server if side == "client" else self.to_client
        for output in outputs:
            match output:
                case Transmit(frame=frame):
                    if side == "client" or self.greeted:
                        channel.append(frame)  # else it goes to a connection that the client has given up
                case Emit(event=event):
                    self.log(side).append(event)
                    if side == "server":
                        self.engine.todo.append(event)
                case OpenTransport(not_before=not_before):
                    self.opened, self.opens_at = False, not_before
                    if self.opens and not_before <= self.now:
                        self.open()
                case AdoptTransport():
                    self.to_client.clear()
                case CloseTransport(code=code):
                    channel.append(Cut("eof", code))
                case AbortTransport():
                    self.break_connection()
                case _:
                    assert_never(output)

    def open(self) -> None:
        self.opened = True
        self.greeted = not self.client.snapshot.started
        if not self.greeted:
            self.to_server.clear()  # that was for the connection before
            self.to_client.clear()
        self.route("client", self.client.transport_opened(self.subprotocol, now=self.now))

    def log(self, side: Side) -> list[Any]:
        """The events of one side, in order."""
        return self.client_events if side == "client" else self.server_events

    def session(self, side: Side) -> Session:
        return self.client if side == "client" else self.server

    def deliver(self, to: Side) -> bool:
        """Deliver one frame; False where there is none."""
        channel = self.to_client if to == "client" else self.to_server
        if not channel or not self.opened:
            return False
        item = channel.popleft()
        if to == "server" and not self.greeted and not isinstance(item, Cut):
            self.greeted = True
            if self.greet(item):
                return True
        session = self.session(to)
        if isinstance(item, Cut):
            if session.snapshot.attached:
                self.route(to, session.transport_lost(item.how, item.code, now=self.now))
                # A WebSocket peer answers a Close frame, behind whatever it has sent before.
                back = self.to_server if to == "client" else self.to_client
                back.append(item)
        elif session.snapshot.attached:
            self.route(to, session.receive(item, now=self.now))
        return True

    def greet(self, first: Frame) -> bool:
        """Find the session that a client comes back to; for anything else there is a new one."""
        resume = read_resume(first, self.limits)
        if resume is not None and not self.restarted and self.server.admits(resume):
            self.route("server", self.server.attach(resume, fresh_token=next(self.tokens), now=self.now))
            return True
        self.server = ServerSession(self.subprotocol, now=self.now, limits=self.limits)
        self.engine = DeterministicEngine(self)
        self.server_events.clear()
        self.restarted = False
        return False

    def break_connection(self) -> None:
        """Reset: whatever is on its way is wiped, and both ends learn it."""
        self.to_server.clear()
        self.to_client.clear()
        self.to_server.append(Cut("reset"))
        self.to_client.append(Cut("reset"))

    def settle(self) -> None:
        """Deliver and work until nothing moves. Time stands still."""
        while self.deliver("server") or self.deliver("client") or self.engine.work():
            pass

    def settle_wire(self) -> None:
        """Deliver until nothing moves; the engine does not work."""
        while self.deliver("server") or self.deliver("client"):
            pass

    def pass_time(self, seconds: float) -> None:
        """Let time pass, firing every timer of either side when it is due."""
        until = self.now + seconds
        while True:
            due = [
                (deadline, side)
                for side in ("client", "server")
                if (deadline := self.session(side).next_deadline) is not None and deadline <= until  # type: ignore[arg-type]
            ]
            if self.opens_at is not None and self.opens_at <= until and not self.opened and self.opens:
                due.append((self.opens_at, "open"))
            if not due:
                break
            deadline, side = min(due)
            self.now = max(self.now, deadline)
            if side == "open":
                self.open()
                continue
            session = self.session(side)  # type: ignore[arg-type]
            self.route(side, session.handle_timeout(now=self.now))  # type: ignore[arg-type]
            following = session.next_deadline
            assert following is None or following > self.now, "no hot loops"
        self.now = until

    def oversleep(self, seconds: float) -> None:
        """Block both loops: timers fire late, and only then is the wire read."""
        self.now += seconds
        for side in ("client", "server"):
            self.route(side, self.session(side).handle_timeout(now=self.now))  # type: ignore[arg-type]
            following = self.session(side).next_deadline  # type: ignore[arg-type]
            assert following is None or following > self.now, "no hot loops"
        self.settle_wire()

    def run_out(self) -> None:
        """Fair delivery and time: nothing else happens any more. Both ends must close within a few minutes."""
        for _ in range(100):
            self.settle()
            if self.client.finished and self.server.finished:
                return
            self.pass_time(10.0)
        raise AssertionError(f"never closed: {self.client} {self.server}")

    # ------------------------------------------------------------------------ the client's verbs

    def send(self, samples: int) -> None:
        """Offer audio whose bytes tell their position."""
        begin = self.client.snapshot.offered
        self.route("client", self.client.send_audio(audio(begin, begin + samples), now=self.now))

    def send_bytes(self, count: int) -> None:
        """Offer the next bytes of the same audio, wherever in a sample they begin and end."""
        s = self.client.snapshot
        whole = audio(s.offered, s.offered + (s.residue + count) // 2 + 1)
        self.route("client", self.client.send_audio(whole[s.residue : s.residue + count], now=self.now))

    def flush(self, flush_id: str, at: int | None = None) -> None:
        self.route("client", self.client.flush(flush_id, now=self.now, at_sample=at))

    def end(self) -> None:
        self.route("client", self.client.end_input(now=self.now))

    # ------------------------------------------------------------------------ what came of it

    @property
    def closed(self) -> SessionClosed:
        """The client's terminal event: the only one, and the last."""
        return only_ending(self.client_events)

    def of(self, kind: type) -> list[Any]:
        """The client's events of one kind."""
        return [event for event in self.client_events if isinstance(event, kind)]


def audio(begin: int, end: int) -> bytes:
    """Sixteen-bit samples that tell their position."""
    return b"".join((position % 65_536).to_bytes(2, "little") for position in range(begin, end))


def ready(**arguments: Any) -> Link:
    """A link whose session is open."""
    link = Link(**arguments)
    link.settle()
    assert link.client.state is link.server.state is State.READY
    return link


def only_ending(events: list[Any]) -> SessionClosed:
    endings = [event for event in events if isinstance(event, SessionClosed)]
    assert len(endings) == 1, f"{len(endings)} terminal events"
    assert events[-1] is endings[0], "the terminal event is the last"
    return endings[0]


class DeterministicEngine:
    """Answers a server's events as a good engine does; what it says depends on positions alone.

    An utterance ends every `SEGMENT` samples after the last commit; each piece of work is one event.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        self.todo: deque[Any] = deque()
        self.accepts = True

    def work(self) -> bool:
        """Answer one event; False where there is none."""
        if not self.todo or not self.accepts:
            return False
        if self.link.server.closed is not None:
            self.todo.clear()  # the client has gone: what it sent before is nobody's business any more
            return False
        event = self.todo.popleft()
        session, now = self.link.server, self.link.now
        match event:
            case Started():
                token = next(self.link.tokens) if self.link.resumable else None
                self.say(
                    session.accept(
                        "s1",
                        ServerInfo(name="deterministic", turn_detector="deterministic", speakers="deterministic"),
                        now=now,
                        resume_token=token,
                    )
                )
            case AudioReceived(start_sample=start, end_sample=end, pcm=pcm):
                assert pcm == audio(start, end), "audio arrives whole and in order"
                self.hear(end)
            case AudioSkipped(end_sample=end):
                self.hear(end)
            case ConfigureRequested(id=change_id, at_sample=at):
                if session.snapshot.committed < at:
                    self.final(at, "configure")
                self.say(session.configured(change_id, now=now))
            case FlushRequested(id=flush_id, at_sample=at):
                if session.snapshot.committed < at:
                    self.final(at, "flush")
                self.say(session.flushed(flush_id, max(at, session.snapshot.committed), now=now))
            case InputFinished(total_samples=total):
                if session.snapshot.committed < total:
                    self.final(total, "end_input")
                self.say(session.progress(total, now=now))
                self.say(session.finish(now=now))
            case SessionClosed():
                self.todo.clear()
        return True

    def hear(self, end: int) -> None:
        session = self.link.server
        while session.snapshot.committed + SEGMENT <= end:
            self.final(session.snapshot.committed + SEGMENT, "endpoint")
        self.say(session.progress(end, now=self.link.now))
        committed = session.snapshot.committed
        if end - committed >= PARTIAL:
            text = f"words from {committed} and more"
            self.say(session.partial(text, start_s=0.0, end_s=1.0, stable=5, now=self.link.now))

    def final(self, end: int, reason: Any) -> None:
        session, now = self.link.server, self.link.now
        begin = session.snapshot.committed
        if session.snapshot.config.features.speech_events:
            self.say(session.speech_start(begin, now=now))
        self.say(
            session.final(
                f"words from {begin} to {end}",
                end_sample=end,
                start_s=begin / 16_000,
                end_s=end / 16_000,
                confidence=0.5,
                reason=reason,
                now=now,
            )
        )
        if session.snapshot.config.features.speech_events:
            self.say(session.speech_end(end, now=now))

    def fail_utterance(self) -> None:
        """Lose what has come of the open utterance, up to the next event's audio."""
        session = self.link.server
        received, committed = session.snapshot.received, session.snapshot.committed
        idle = not self.todo or not isinstance(self.todo[0], AudioReceived)
        can = session.state in (State.STREAMING, State.INPUT_ENDED, State.DRAINING) and not session.snapshot.flushes
        if can and idle and committed < received and session.snapshot.failures < 2:
            self.say(session.segment_failed(received, "a fault", now=self.link.now))

    def say(self, outputs: Outputs) -> None:
        self.link.route("server", outputs)
