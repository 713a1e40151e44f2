"""Monitors check every step of either side from outside: the messages sent, the events, and the memory used.

They implement notes/wire-protocols.md §3.6 (O1-O13) and notes/sans-io.md §6.8 (I1-I13) independently of the core's
own checks, so that the same mistake is unlikely in both.
"""

from auricle.core.client import ClientSession
from auricle.core.events import (
    AudioReceived,
    AudioSkipped,
    Disconnected,
    Event,
    Interrupted,
    Reconnected,
    Restarted,
    SessionClosed,
)
from auricle.core.messages import (
    Ack,
    Annotate,
    Audio,
    Cancel,
    Closed,
    Configure,
    Configured,
    Durable,
    EndInput,
    ErrorMessage,
    Final,
    Flush,
    Flushed,
    Gap,
    InputEnded,
    Partial,
    Ping,
    Ready,
    Resume,
    Resumed,
    SpeechEnd,
    SpeechStart,
    Start,
    TurnEnd,
    TurnMaybeEnd,
    TurnResumed,
)
from auricle.core.outputs import Transmit
from auricle.core.server import ServerSession
from auricle.core.snapshot import Snapshot
from auricle.core.states import State
from auricle.core.testing.driver import Driver
from auricle.core.testing.scenario import Scenario, Speak


class CheckFailure(Exception):
    """A check has failed."""


def require(condition: object, why: str) -> None:
    """Raise `CheckFailure` unless ``condition``."""
    if not condition:
        raise CheckFailure(why)


class ClientMonitor:
    """Checks a client."""

    def __init__(self, scenario: Scenario) -> None:
        self.seen: set[str] = set()
        """Events of the client, by name."""
        self.covered = 0
        """Samples accounted for by the client's events, without a gap from 0."""
        self.lost = 0
        """Samples reported as lost."""
        self.finals: list[Final] = []
        self.answered: list[str] = []
        self.refused: dict[str, str] = {}
        """Codes of errors, by the id of the flush or change that they answer."""
        self._scenario = scenario
        self._closed = False
        self._interrupted = False
        self._speaking = False
        self._input_ended = False
        self._rev, self._stable_prefix = 0, ""
        self._turn: list[Final] = []
        self._promised: str | None = None
        self._ack = (0, 0, 0, 0)
        self._credit = 0
        self._sent_bytes = 0
        self._most_sent = 0
        self._gated = False
        self._said_end = False
        audio, limits = scenario.start.audio, scenario.limits
        longest = max((step.piece for step in scenario.steps if isinstance(step, Speak)), default=0)
        kept_s = limits.backlog_s + limits.window_s + limits.ring_s + limits.prebuffer_s + 2 * limits.max_audio_s
        self._max_retained_bytes = int((kept_s * audio.sample_rate + 2 * longest) * audio.frame_bytes) + 16

    # ------------------------------------------------------------------------ its messages

    def sent(self, output: Transmit) -> None:
        """The client sends a message."""
        message = output.message
        audio = self._scenario.start.audio
        match message:
            case Start():
                origin = message.timeline_origin or 0
                self._begin(origin, resuming=False)
                self._credit = origin + int(self._scenario.limits.prebuffer_s * audio.sample_rate)
            case Resume():
                self._begin(0, resuming=True)
            case Ping() | Cancel():
                pass
            case _:
                require(not self._gated, f"{message.type} between resume and resumed")
        if isinstance(message, Audio | Gap):
            require(not self._said_end, "audio after end_input")
            header = 8 if audio.framing == "offset64" and isinstance(message, Audio) else 0
            size = len(message.data) - header if isinstance(message, Audio) else message.samples * audio.frame_bytes
            self._sent_bytes += size
            self._most_sent = max(self._most_sent, self._sent)
            require(self._sent <= self._credit, f"sent up to {self._sent}, but the credit is {self._credit}")
        elif isinstance(message, Flush):
            require(message.at is not None and message.at <= self._sent, f"F19: flush at {message.at} overtakes audio")
        elif isinstance(message, EndInput):
            self._said_end = True
        elif isinstance(message, Configure):
            require(not self._said_end, "a change after end_input")

    @property
    def _sent(self) -> int:
        return self._sent_bytes // self._scenario.start.audio.frame_bytes

    def _begin(self, position: int, *, resuming: bool) -> None:
        self._sent_bytes = position * self._scenario.start.audio.frame_bytes
        self._gated = resuming
        self._said_end = False

    # ------------------------------------------------------------------------ its events

    def emitted(self, event: Event) -> None:
        """The client emits an event."""
        require(not self._closed, f"I3: {type(event).__name__} after the terminal event")
        self.seen.add(f"told {type(event).__name__}")
        match event:
            case Ready(credit=credit):
                self._credit = max(self._credit, credit)
                self._interrupted = False
            case Final():
                self._take_final(event)
            case Flushed():
                self._answer(event.id)
                require(event.upto >= self.covered, "O6: an answer about what was decided before")
                self.covered = event.upto
            case Configured():
                self._answer(event.id)
                require(event.from_ >= self.covered, "O7: a change of what was decided before")
                self.covered = event.from_
            case ErrorMessage():
                self._take_error(event)
            case Partial():
                self._take_partial(event)
            case SpeechStart() | SpeechEnd():
                require(isinstance(event, SpeechStart) is not self._speaking, "speech starts and ends in turn")
                self._speaking = not self._speaking
            case Ack():
                marks = (event.committed, event.processed, event.received, event.credit)
                require(list(marks) == sorted(marks), f"O12: {marks}")
                require(
                    all(new >= old for new, old in zip(marks, self._ack, strict=True)),
                    f"O12: {marks} after {self._ack}",
                )
                self._ack, self._credit = marks, event.credit
            case InputEnded():
                require(not self._input_ended, "O8: input_ended twice")
                self._input_ended = True
            case SessionClosed():
                self._closed = True
            case _:
                self._take_connection(event)

    def _take_connection(self, event: Event) -> None:
        match event:
            case Interrupted():
                require(not self._interrupted, "interrupted twice")
                self._interrupted = True
            case Resumed():
                require(self._interrupted, "resumed without an interruption")
                self._interrupted = False
                self._begin(event.next, resuming=False)
                require(event.credit >= self._credit, "O12: credit went back")
                self._credit = event.credit
            case Restarted():
                require(self._interrupted, "restarted without an interruption")
                require(event.origin_sample == self.covered + event.lost_samples, "a new session begins elsewhere")
                undecided = self._most_sent - self.covered
                kept = int(self._scenario.limits.ring_s * self._scenario.start.audio.sample_rate)
                require(event.lost_samples <= max(0, undecided - kept), f"I6: {event} of {undecided} undecided samples")
                self.lost += event.lost_samples
                self.covered = event.origin_sample
                self._speaking, self._input_ended = False, False
                self._ack = (0, 0, 0, 0)
                self._rev, self._stable_prefix = 0, ""
                self._turn, self._promised = [], None
            case Annotate(segment=segment):
                require(segment < len(self.finals), "O4: what has no final is annotated")
            case TurnMaybeEnd(text=text):
                require(self._promised is None, "O11: promised twice")
                self._promised = text
            case TurnResumed():
                require(self._promised is not None, "O11: nothing was promised")
                self._promised = None
            case TurnEnd():
                self._take_turn(event)
            case _:
                pass

    def _take_final(self, final: Final) -> None:
        begin, end = final.audio
        require(final.segment == len(self.finals), f"O3: segment {final.segment} after {len(self.finals)}")
        require(begin == self.covered and begin < end, f"O3: {begin}-{end}, but {self.covered} is covered")
        require(final.text.startswith(self._stable_prefix), "O5: a promise is broken")
        require(not self._input_ended or end <= self._sent, "O8: a final beyond the end")
        self.finals.append(final)
        self._turn.append(final)
        self.covered = end
        self._rev, self._stable_prefix = 0, ""

    def _take_turn(self, end: TurnEnd) -> None:
        text = " ".join(final.text for final in self._turn)
        require(self._turn and end.text == text, f"O11: a turn of {end.text!r}, its finals are {text!r}")
        require(end.segments == (self._turn[0].segment, self._turn[-1].segment), f"O11: segments {end.segments}")
        free = self._promised is None and end.trigger in ("manual", "timeout")
        require(free or end.text == self._promised, f"O11: {end.text!r}, promised was {self._promised!r}")
        self._turn, self._promised = [], None

    @property
    def open_turn(self) -> int:
        """The finals that no turn has ended with, where turns are told."""
        return len(self._turn) if self._scenario.start.features.turns else 0

    def _take_partial(self, partial: Partial) -> None:
        require(partial.segment == len(self.finals), f"O5: partial of {partial.segment}, open is {len(self.finals)}")
        require(partial.rev > self._rev, "O5: rev must grow")
        require(partial.text.startswith(self._stable_prefix), "O5: a promise is broken")
        self._rev = partial.rev
        self._stable_prefix = max(self._stable_prefix, partial.text[: partial.stable], key=len)

    def _take_error(self, error: ErrorMessage) -> None:
        if error.audio is not None:
            begin, end = error.audio
            require(begin == self.covered, f"O3: {begin}-{end} lost, but {self.covered} is covered")
            self.covered = end
            self.lost += end - begin
            self._stable_prefix = ""
        if error.ref is not None:
            self._answer(error.ref)
            self.refused[error.ref] = error.code

    def _answer(self, asked: str) -> None:
        require(asked not in self.answered, f"O6: {asked} is answered twice")
        self.answered.append(asked)

    # ------------------------------------------------------------------------ its snapshot

    def stepped(self, driver: Driver, now: float) -> None:
        """The client has taken an input."""
        session = driver.session
        assert isinstance(session, ClientSession)
        s = session.snapshot
        if not s.committed <= s.processed <= s.received <= s.sent <= s.offered:
            raise CheckFailure(f"O12: {session}")
        if s.started and s.sent > s.credit:
            raise CheckFailure(f"credit is overrun: {session}, credit {s.credit}")
        if len(session._ring) > self._max_retained_bytes:
            raise CheckFailure(f"I12: {len(session._ring)} bytes of audio are kept")


class ServerMonitor:
    """Checks a server session."""

    def __init__(self, scenario: Scenario) -> None:
        self.closed = False
        self._scenario = scenario
        self._record: list[Durable] = []
        self._said_closed = False
        self._heard: int | None = None
        self._progress: tuple[int, int, float] | None = None
        self._forgiven_s = 20.0 + sum(fault.for_s for fault in scenario.faults if fault.kind == "sleep_server")

    def sent(self, output: Transmit) -> None:
        """The session sends a message."""
        message = output.message
        if isinstance(message, Resumed):
            self._said_closed = False
        require(not self._said_closed, f"O2: {message.type} after closed")
        if isinstance(message, Durable):
            require(1 <= message.seq <= len(self._record) + 1, f"O1: seq {message.seq} after {len(self._record)}")
            if message.seq <= len(self._record):
                require(message == self._record[message.seq - 1], f"O4: {message.seq} is not what it was: {message}")
            else:
                if message.seq == 1:
                    # A cancel from before ``ready`` has only ``closed`` for an answer.
                    refusal = isinstance(message, Closed) and message.reason == "cancelled"
                    require(refusal or isinstance(message, Ready | ErrorMessage), f"O1: first is {message.type}")
                self._record.append(message)
        if isinstance(message, Closed):
            self._said_closed = True

    def emitted(self, event: Event) -> None:
        """The session emits an event."""
        require(not self.closed, f"I3: {type(event).__name__} after the terminal event")
        match event:
            case SessionClosed():
                self.closed = True
            case AudioReceived(start_sample=start, end_sample=end) | AudioSkipped(start_sample=start, end_sample=end):
                require(self._heard is None or start == self._heard, f"I7: audio from {start} after {self._heard}")
                self._heard = end
            case Disconnected() | Reconnected():
                pass
            case _:
                pass

    def stepped(self, driver: Driver, now: float) -> None:
        """The session has taken an input."""
        session = driver.session
        assert isinstance(session, ServerSession)
        s = session.snapshot
        if not s.committed <= s.processed <= s.received:
            raise CheckFailure(f"O12: {session}")
        if s.started and s.received > s.credit:
            raise CheckFailure(f"credit is overrun: {session}, credit {s.credit}")
        if len(session._record) > s.limits.max_record:
            raise CheckFailure(f"I12: {len(session._record)} messages are kept")
        if s.ended and s.closed is None and s.state is not State.CONNECTING:
            self._drain(s, now)

    def _drain(self, s: Snapshot, now: float) -> None:
        """I9: after the end of input only audio that is processed or decided is progress (failure mode F5)."""
        if self._progress is None or self._progress[:2] != (s.processed, s.committed):
            self._progress = (s.processed, s.committed, now)
        budget_s = s.limits.drain_timeout_s + 1.5 * s.seconds(s.received - s.processed) + self._forgiven_s
        if now > self._progress[2] + budget_s:
            raise CheckFailure(f"I9: no progress for {now - self._progress[2]:.0f} s, and still draining")
