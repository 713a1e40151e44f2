"""`Application`: the simulated application of a client. It performs a script and records what it did."""

from collections.abc import Callable
from dataclasses import dataclass, field

from auricle.core.client import ClientSession
from auricle.core.errors import BacklogFull, LocalProtocolError
from auricle.core.events import Event, SessionClosed
from auricle.core.session import Outputs
from auricle.core.states import State
from auricle.core.testing.driver import Driver
from auricle.core.testing.event_queue import EventQueue
from auricle.core.testing.scenario import (
    AskFlush,
    Cancel,
    Change,
    EndInput,
    Leave,
    Rest,
    Skip,
    Speak,
    Step,
    Stray,
)
from auricle.core.testing.synthetic_speech import SyntheticSpeech


@dataclass
class Performed:
    """What an application has done, in order: the results that it gets must follow from that alone (O13)."""

    spans: list[tuple[int, int, bool]] = field(default_factory=list)
    """Half-open ranges of offered samples, and whether they hold audio."""
    asked: list[tuple[str, str, int, int, str | None]] = field(default_factory=list)
    """Flushes, marks and changes: kind, id, position, samples offered by then, language."""
    total: int = 0
    """Samples offered."""

    def add(self, samples: int, *, audible: bool) -> None:
        """Append samples, with audio or without."""
        end = self.total + samples
        if self.spans and self.spans[-1][2] is audible and self.spans[-1][1] == self.total:
            self.spans[-1] = (self.spans[-1][0], end, audible)
        else:
            self.spans.append((self.total, end, audible))
        self.total = end


class Application:
    """Performs the steps of a script: offers audio only while there is room, and stops once the session has closed."""

    def __init__(self, steps: tuple[Step, ...], voice: SyntheticSpeech, event_queue: EventQueue) -> None:
        self.performed = Performed()
        self.events: list[tuple[float, Event]] = []
        self.done_at: float | None = None
        """Virtual time at which the script ended; None while it runs."""
        self._steps, self._voice, self._event_queue = steps, voice, event_queue
        self._next = 0
        self._spoken = 0
        self._kept = 0
        self._asked = 0
        self._waiting_for_room = False
        """Whether the script is suspended until there is room."""
        self.driver: Driver | None = None

    @property
    def session(self) -> ClientSession:
        """The client session."""
        assert self.driver is not None
        assert isinstance(self.driver.session, ClientSession)
        return self.driver.session

    def take(self, event: Event) -> None:
        """Take an event of the session."""
        self.events.append((self._event_queue.now, event))
        if isinstance(event, SessionClosed) and self.done_at is None:
            self.done_at = self._event_queue.now

    def begin(self) -> None:
        """Start the script."""
        self._event_queue.after(0.0, self._act)

    def moved(self) -> None:
        """Continue the script where the session now has room."""
        if self._waiting_for_room and self.session.room > 0:
            self._waiting_for_room = False
            self._event_queue.after(0.0, self._act)

    def _act(self) -> None:
        while self._next < len(self._steps):
            if self.session.state is State.CLOSED:
                return
            assert self.driver is not None
            if self.driver.wakes_at is not None:
                self._event_queue.at(self.driver.wakes_at, self._act)  # it lives in the same loop
                return
            wait_s = self._perform_if_open(self._steps[self._next])
            if wait_s is None:
                self._waiting_for_room = True
                return
            if wait_s > 0:
                self._event_queue.after(wait_s, self._act)
                return
        if self.done_at is None:
            self.done_at = self._event_queue.now

    def _perform_if_open(self, step: Step) -> float | None:
        """Perform a step, or skip it where either side has ended the input."""
        if isinstance(step, Speak | Stray | Skip | AskFlush | Change) and self.session.snapshot.ended:
            self._next += 1
            return 0.0
        return self._perform(step)

    def _perform(self, step: Step) -> float | None:
        """Perform one step or a part of it. Return the seconds to wait then; None: until there is room."""
        if isinstance(step, Speak | Stray | Skip) and self.session.room == 0:
            return None
        match step:
            case Speak():
                return self._speak(step)
            case Stray():
                self._do(lambda now: self.session.send_audio(b"?", now=now))
            case Skip(samples=samples):
                self._do(lambda now: self.session.skip(samples, now=now))
                self.performed.add(samples, audible=False)
            case AskFlush(back=back, mark=mark):
                self._flush(back, mark=mark)
            case Change(language=language):
                self._change(language)
            case Rest(seconds=seconds):
                self._next += 1
                return seconds
            case EndInput():
                self._do(lambda now: self.session.end_input(now=now))
            case Cancel():
                self._do(lambda now: self.session.cancel(now=now))
            case Leave():
                self._do(lambda now: self.session.abort(now=now))
        self._next += 1
        return 0.0

    def _speak(self, step: Speak) -> float:
        samples = min(step.piece, step.samples - self._spoken)
        begin, size = self.performed.total, self._voice.frame_bytes
        self._spoken += samples
        whole = self._spoken >= step.samples
        # A ragged piece ends in the middle of a sample; the next one begins with the rest of it.
        kept = 1 if step.ragged and not whole else 0
        pcm = self._voice.cut(begin * size - self._kept, (begin + samples) * size - kept)
        self._do(lambda now: self.session.send_audio(pcm, now=now))
        self._kept = kept
        self.performed.add(samples, audible=True)
        if whole:
            self._next += 1
            self._spoken = 0
        return self.session.snapshot.seconds(samples) if step.live else 0.0

    def _flush(self, back: int, *, mark: bool) -> None:
        s = self.session.snapshot
        earliest = s.flushes[-1].at if s.flushes else 0
        at = max(earliest, s.offered - back)
        flush_id = f"{'m' if mark else 'f'}{self._asked}"
        self._asked += 1
        ask = self.session.mark if mark else self.session.flush
        if s.config.features.turns and at == s.offered and not mark:
            asked = self._try(lambda now: self.session.end_turn(flush_id, now=now))
        else:
            asked = self._try(lambda now: ask(flush_id, now=now, at_sample=at))
        if asked:
            self.performed.asked.append(("mark" if mark else "flush", flush_id, at, s.offered, None))

    def _change(self, language: str | None) -> None:
        at, change_id = self.session.snapshot.offered, f"c{self._asked}"
        self._asked += 1
        if self._try(lambda now: self.session.configure(change_id, {"language": language}, now=now)):
            self.performed.asked.append(("change", change_id, at, at, language))

    def _try(self, verb: Callable[[float], Outputs]) -> bool:
        """Call a method that may raise `BacklogFull`; return whether it succeeded."""
        try:
            self._do(verb)
        except BacklogFull:
            return False
        return True

    def _do(self, verb: Callable[[float], Outputs]) -> None:
        """Call a method in the driver's turn; a `LocalProtocolError` of it is raised here."""
        refusals: list[LocalProtocolError] = []

        def act(now: float) -> Outputs:
            try:
                return verb(now)
            except LocalProtocolError as refusal:
                refusals.append(refusal)
                return ()

        assert self.driver is not None
        self.driver.post(act)
        if refusals:
            raise refusals[0]
