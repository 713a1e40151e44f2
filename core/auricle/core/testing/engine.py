"""A deterministic engine: what it decides depends on positions and content alone, never on chunks or on time.

`Recogniser` decides, without a session; `Engine` runs one behind a queue, in virtual time.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from auricle.core.events import (
    AudioReceived,
    AudioSkipped,
    ConfigureRequested,
    Event,
    FlushRequested,
    InputFinished,
    SessionClosed,
    Started,
)
from auricle.core.outputs import Output
from auricle.core.parts import FinalReason, ServerInfo, SpeakerSpan, Word
from auricle.core.server import ServerSession
from auricle.core.session import Outputs
from auricle.core.states import State
from auricle.core.testing.driver import Driver
from auricle.core.testing.event_queue import EventQueue
from auricle.core.testing.synthetic_speech import SyntheticSpeech

MOST_WORDS: Final = 8
"""Longest utterance, in words."""
BABBLES_EVERY_S: Final = 4.0
DEFAULT_LANGUAGE: Final = "en"
UNKNOWN_LANGUAGE: Final = "tlh"
"""The one language that the engine refuses."""


class Utterance(NamedTuple):
    """An utterance of the samples ``start`` up to ``end``: its words by the numbers of their blocks."""

    start: int
    end: int
    numbers: tuple[int, ...]
    language: str
    reason: FinalReason
    failed: bool

    @property
    def text(self) -> str:
        """The words as text."""
        return " ".join(f"{self.language}{number}" for number in self.numbers)


class SpeechBegan(NamedTuple):
    """The first word of an utterance begins at this sample."""

    at: int


Finding = Utterance | SpeechBegan


class Recogniser:
    """Recognises synthetic speech. An utterance ends with a silent block, at `MOST_WORDS`, or by `decide`."""

    def __init__(self, voice: SyntheticSpeech, *, origin: int, language: str | None, failing: frozenset[int]) -> None:
        self.voice = voice
        self.heard = origin
        self.committed = origin
        self.language = language or DEFAULT_LANGUAGE
        self._failing = failing
        """First words of the utterances on which the engine fails."""
        self._words: list[int] = []
        self._begun: int | None = None
        """The present block where it holds a word; None where it is silent."""

    @property
    def words(self) -> tuple[int, ...]:
        """The words of the open utterance so far."""
        return tuple(self._words)

    def hear(self, end_sample: int, *, audible: bool) -> Iterator[Finding]:
        """Process samples up to ``end_sample``; not ``audible``: they are a gap. Yield what is decided."""
        start, block = self.heard, self.voice.block
        number = start // block
        while number * block < end_sample:
            if number * block >= start:
                yield from self._begin(number, audible=audible)
            if (number + 1) * block <= end_sample:
                self.heard = (number + 1) * block
                yield from self._complete(number)
            number += 1
        self.heard = end_sample

    def decide(self, end_sample: int, reason: FinalReason) -> Iterator[Finding]:
        """Decide everything before ``end_sample``; yields the open utterance."""
        if self._words:
            yield self._utterance(end_sample, reason)
        self.committed = max(self.committed, end_sample)

    def _begin(self, number: int, *, audible: bool) -> Iterator[Finding]:
        self._begun = number if audible and self.voice.speaks(number) else None
        if self._begun is not None:
            if not self._words:
                yield SpeechBegan(number * self.voice.block)
            self._words.append(number)

    def _complete(self, number: int) -> Iterator[Finding]:
        if not self._words:
            return
        if self._begun != number:
            yield self._utterance((number + 1) * self.voice.block, "endpoint")
        elif len(self._words) >= MOST_WORDS:
            yield self._utterance((number + 1) * self.voice.block, "max_length")

    def _utterance(self, end: int, reason: FinalReason) -> Utterance:
        numbers, start = self.words, self.committed
        self._words.clear()
        self.committed = end
        return Utterance(start, end, numbers, self.language, reason, numbers[0] in self._failing)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineProfile:
    """The load time, speed and failures of an engine. Times in virtual seconds."""

    load_s: float = 0.0
    """Seconds from ``start`` to ``ready``."""
    rtf: float = 0.0
    """Seconds of work for each second of audio."""
    overhead_s: float = 0.0
    """Seconds for each piece of work."""
    failing: frozenset[int] = frozenset()
    """Numbers of words: an utterance that begins with one of them fails."""
    refuses: int = 0
    """Number of sessions refused with ``capacity`` before one is accepted."""


class Engine:
    """The application of one server session: handles its events in order, each after its processing time."""

    def __init__(
        self,
        driver: Driver,
        voice: SyntheticSpeech,
        engine_profile: EngineProfile,
        event_queue: EventQueue,
        *,
        name: Callable[[], str],
        token: Callable[[], str | None],
        full: Callable[[], bool],
    ) -> None:
        self._driver, self._voice, self._profile, self._event_queue = driver, voice, engine_profile, event_queue
        self._name, self._token, self._full = name, token, full
        self._todo: deque[Event] = deque()
        self._busy = False
        self._stalled_until = 0.0
        self._recogniser: Recogniser | None = None
        self._over = False

    @property
    def session(self) -> ServerSession:
        """The server session."""
        session = self._driver.session
        assert isinstance(session, ServerSession)
        return session

    def take(self, event: Event) -> None:
        """Queue an event of the session."""
        if isinstance(event, SessionClosed):
            self._over = True
            self._todo.clear()
            return
        self._todo.append(event)
        self._work()

    def stall(self, seconds: float) -> None:
        """Process nothing for ``seconds``."""
        self._stalled_until = max(self._stalled_until, self._event_queue.now + seconds)

    def guess_on(self, seconds: float) -> None:
        """Process nothing for ``seconds``, but go on sending partials."""
        self.stall(seconds)
        self._repeat_guess(0)

    def _repeat_guess(self, number: int) -> None:
        if self._event_queue.now < self._stalled_until and not self._over:
            self._driver.post(lambda now: tuple(self._guess(now, " or not" if number % 2 else "")))
            self._event_queue.after(BABBLES_EVERY_S, lambda: self._repeat_guess(number + 1))

    def _work(self) -> None:
        if self._busy or not self._todo:
            return
        self._busy = True
        wait_s = max(0.0, self._stalled_until - self._event_queue.now) + self._cost_s(self._todo[0])
        if wait_s:
            self._event_queue.after(wait_s, self._finish)
        else:
            self._finish()

    def _cost_s(self, event: Event) -> float:
        match event:
            case Started():
                return self._profile.load_s
            case AudioReceived(start_sample=start, end_sample=end):
                return self._profile.overhead_s + self._profile.rtf * self.session.snapshot.seconds(end - start)
            case _:
                return self._profile.overhead_s

    def _finish(self) -> None:
        if self._event_queue.now < self._stalled_until:
            self._event_queue.at(self._stalled_until, self._finish)
            return
        self._busy = False
        if self._over or self._driver.done:
            return
        event = self._todo.popleft()
        if isinstance(event, Started):
            self._driver.post(self._answer_start)
        else:
            self._driver.post(lambda now: tuple(self._answer(event, now)))
        self._work()

    def _answer_start(self, now: float) -> Outputs:
        if self._full():
            return self.session.fail("capacity", "no room", now=now, retry_after_s=1.0)
        s = self.session.snapshot
        self._recogniser = Recogniser(
            self._voice, origin=s.origin, language=s.config.language, failing=self._profile.failing
        )
        info = ServerInfo(name="deterministic", turn_detector="deterministic", speakers="deterministic")
        return self.session.accept(self._name(), info, now=now, resume_token=self._token())

    def _answer(self, event: Event, now: float) -> Iterator[Output]:
        session, recogniser = self.session, self._recogniser
        if session.state is State.CLOSED or recogniser is None:
            return
        match event:
            case AudioReceived(start_sample=start, end_sample=end, pcm=pcm):
                assert start == recogniser.heard, f"audio from {start}, but the engine has heard {recogniser.heard}"
                assert pcm == self._voice.pcm(start, end), f"the audio of samples {start}-{end} is not what was said"
                yield from self._say(recogniser.hear(end, audible=True), now)
                yield from session.progress(end, now=now)
                yield from self._guess(now)
            case AudioSkipped(start_sample=start, end_sample=end):
                assert start == recogniser.heard, f"a gap from {start}, but the engine has heard {recogniser.heard}"
                yield from self._say(recogniser.hear(end, audible=False), now)
                yield from session.progress(end, now=now)
            case FlushRequested(id=flush_id, at_sample=at):
                # Beyond an exact position nothing has been heard; an earlier one is too late for a cut just there.
                if at > recogniser.committed:
                    yield from self._decide(recogniser.heard, "flush", now)
                yield from session.flushed(flush_id, max(at, session.snapshot.committed), now=now)
            case ConfigureRequested():
                yield from self._change(event, recogniser, now)
            case InputFinished(total_samples=total):
                yield from self._decide(total, "end_input", now)
                yield from session.progress(total, now=now)
                yield from session.finish(now=now)
            case _:
                pass

    def _change(self, event: ConfigureRequested, recogniser: Recogniser, now: float) -> Iterator[Output]:
        if event.config.language == UNKNOWN_LANGUAGE:
            why = f"{UNKNOWN_LANGUAGE!r} is not spoken here"
            yield from self.session.refuse_change(event.id, "unsupported_language", why, "/language", now=now)
            return
        yield from self._decide(event.at_sample, "configure", now)
        recogniser.language = event.config.language or DEFAULT_LANGUAGE
        yield from self.session.configured(event.id, now=now)

    def _decide(self, end: int, reason: FinalReason, now: float) -> Iterator[Output]:
        assert self._recogniser is not None
        yield from self._say(self._recogniser.decide(end, reason), now)

    def _say(self, findings: Iterator[Finding], now: float) -> Iterator[Output]:
        session = self.session
        for finding in findings:
            if isinstance(finding, SpeechBegan):
                yield from session.speech_start(finding.at, now=now)
            elif finding.failed:
                yield from self._fail(finding, now)
            else:
                yield from self._final(finding, now)

    def _final(self, found: Utterance, now: float) -> Iterator[Output]:
        session = self.session
        block, seconds = self._voice.block, session.snapshot.seconds
        words = [
            Word(text=f"{found.language}{n}", start=seconds(n * block), end=seconds(min(found.end, (n + 1) * block)))
            for n in found.numbers
        ]
        yield from self._turn_maybe_end(found, now)
        yield from session.final(
            found.text, end_sample=found.end, start_s=words[0].start, end_s=words[-1].end, confidence=0.5,
            reason=found.reason, words=words, language=found.language, now=now,
        )  # fmt: skip
        yield from session.speech_end(found.end, now=now)
        yield from self._annotate(words, now)
        yield from self._turn_end(found, now)

    def _annotate(self, words: Sequence[Word], now: float) -> Iterator[Output]:
        """Say of the last segment who speaks in it, and of the one before who speaks after all."""
        s = self.session.snapshot
        for segment in range(max(s.config.segment_origin or 0, s.segment - 2), s.segment):
            span = SpeakerSpan(speaker=f"{segment}/{s.segment}", start=words[0].start, end=words[-1].end)
            yield from self.session.annotate(segment, [span], now=now)

    def _turn_maybe_end(self, found: Utterance, now: float) -> Iterator[Output]:
        """Promise that the turn ends with an utterance, where its last word says so; now and then something else."""
        if found.numbers[-1] % 2 == 0:
            said = found.text if found.numbers[-1] % 3 else f"{found.text} or not"
            yield from self.session.turn_maybe_end(said, at_sample=found.end, confidence=0.7, now=now)

    def _turn_end(self, found: Utterance, now: float) -> Iterator[Output]:
        """End the turn, or go on with it, as the last word of the utterance says."""
        if found.reason == "endpoint" and found.numbers[-1] % 4 == 0:
            yield from self.session.turn_end("model", at_sample=found.end, confidence=0.7, now=now)
        elif found.numbers[-1] % 5 == 0:
            yield from self.session.turn_end("timeout", at_sample=found.end, now=now)
        else:
            yield from self.session.turn_resumed(found.end, now=now)

    def _fail(self, found: Utterance, now: float) -> Iterator[Output]:
        session = self.session
        yield from session.segment_failed(found.end, "a fault", now=now)
        if session.state is not State.CLOSED:
            yield from session.speech_end(found.end, now=now)

    def _guess(self, now: float, doubt: str = "") -> Iterator[Output]:
        """Send a partial of the open utterance; all words but the last are stable."""
        if self._recogniser is None or self.session.state is State.CLOSED:
            return
        texts = [f"{self._recogniser.language}{number}" for number in self._recogniser.words]
        if texts:
            seconds, block = self.session.snapshot.seconds, self._voice.block
            yield from self.session.partial(
                " ".join(texts) + doubt, start_s=seconds(self._recogniser.words[0] * block),
                end_s=seconds(self._recogniser.heard), stable=len(" ".join(texts[:-1])), now=now,
            )  # fmt: skip
