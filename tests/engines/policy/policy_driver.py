"""A session for the policy without audio: a track of voice, decodes that take their time, and an oracle that hears.

The driver does what `auricle.engines.session.window_recogniser` does with a policy, in plain values, and checks on the
way what must hold after every single step.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from hypothesis import strategies as st

from auricle.engines.policy.events import (
    Cut,
    Decode,
    Drop,
    Effect,
    Event,
    Failed,
    Failure,
    Final,
    Forget,
    Heard,
    Partial,
    Promote,
    Rewind,
    SpeechEnd,
    SpeechStart,
    Urgency,
    Voice,
)
from auricle.engines.policy.next_event import next_event
from auricle.engines.policy.state import INITIAL, Rules, State
from auricle.engines.policy.step import step
from auricle.engines.protocol import BLOCK, ENGINE_RATE, StreamConfig, TimedWord, Transcript


class Said(NamedTuple):
    """A word, in engine samples."""

    text: str
    start: int
    end: int


Oracle = Callable[[Decode], Transcript | str]
"""What a decode hears, or why it fails."""


def hears(words: Sequence[Said]) -> Oracle:
    """An engine that hears exactly the words that end within the window, behind what is there for context."""

    def decode(wish: Decode) -> Transcript:
        told_after = wish.start if wish.told_after is None else wish.told_after[0]
        found = [word for word in words if told_after < word.end <= wish.end]
        return transcript(found, wish)

    return decode


def transcript(words: Sequence[Said], wish: Decode, **more) -> Transcript:
    timed = tuple(
        TimedWord(
            text=word.text,
            start_s=max(0, word.start - wish.start) / ENGINE_RATE,
            end_s=(word.end - wish.start) / ENGINE_RATE,
        )
        for word in words
    )
    text = " ".join(word.text for word in words)
    return Transcript(text=text, words=timed if wish.timed else (), confidence=0.9, language="en", **more)


@dataclass
class Session:
    """Runs a policy over a voice track; ``latency`` says after how many blocks of audio a decode is answered."""

    rules: Rules
    voice: Sequence[float]
    oracle: Oracle
    latency: Callable[[int], int] = lambda job: 0
    effects: list[Effect] = field(default_factory=list)
    decodes: list[Decode] = field(default_factory=list)
    asked_at: list[int] = field(default_factory=list)
    """For each decode: how much audio had been heard when it was asked for."""
    waits: list[int] = field(default_factory=list)
    """For each cut: how many decodes it waited for."""
    _state: State = INITIAL
    _out: dict[int, tuple[Decode, int]] = field(default_factory=dict)
    _block: int = 0
    _now: int = 0
    _calm_until: int = 0
    """Before this nothing was to happen."""

    def run(self, cuts: Sequence[int] = ()) -> "Session":
        """Tell the whole track, with flushes at ``cuts`` (each as soon as its block has been told), and end."""
        total = len(self.voice) * BLOCK
        for at in (*sorted(cuts), total):
            while (self._block + 1) * BLOCK <= at:
                self._hear_block()
            self._cut(at, total)
        assert not self._state.deciding
        return self

    def _hear_block(self) -> None:
        self._settle()
        self._block += 1
        self._now += 1
        self._tell(Voice(probability=self.voice[self._block - 1], end=self._block * BLOCK))
        self._answer(lambda due: due <= self._now)

    def _cut(self, at: int, total: int) -> None:
        before = len(self.decodes)
        self._settle()
        before = len(self.decodes)
        self._tell(Cut(at=at, reason="end_input" if at == total else "flush"))
        self._settle()
        self.waits.append(len(self.decodes) - before)

    def _settle(self) -> None:
        """Answer until nothing is being decided."""
        for _ in range(10):
            if not self._state.deciding:
                return
            self._answer(lambda due: True)
        raise AssertionError("it decides for ever")

    def _answer(self, ripe: Callable[[int], bool]) -> None:
        for job in [job for job, (_, due) in self._out.items() if ripe(due)]:
            if job not in self._out:
                continue
            wish, _ = self._out.pop(job)
            outcome = self.oracle(wish)
            answer = (
                Failed(job=job, message=outcome) if isinstance(outcome, str) else Heard(job=job, transcript=outcome)
            )
            self._tell(answer)

    def _tell(self, event: Event) -> None:
        self._state, effects = step(self.rules, self._state, event)
        assert hash(self._state) is not None
        for effect in effects:
            self.effects.append(effect)
            match effect:
                case Decode():
                    self._wish(effect)
                case Drop(job=job):
                    self._out.pop(job, None)
                case Promote(job=job):
                    assert job in self._out, "only what is out can be promoted"
                case Rewind(to=to):
                    self._block = min(self._block, to // BLOCK)
                case _:
                    pass
        self._look_out(event, effects)

    def _look_out(self, event: Event, effects: Sequence[Effect]) -> None:
        if self._state.deciding:
            self._calm_until = 0
            return
        move = next_event(self.rules, self._state, self._block * BLOCK)
        assert move > self._block * BLOCK
        if isinstance(event, Voice) and event.end < self._calm_until:
            assert all(isinstance(effect, Forget | Drop) for effect in effects)
        self._calm_until = max(move, self._calm_until) if isinstance(event, Voice) else move

    def _wish(self, wish: Decode) -> None:
        assert wish.job == len(self.decodes) + 1
        assert 0 <= wish.start < wish.end
        self.decodes.append(wish)
        self.asked_at.append(self._block * BLOCK)
        # A newer decode takes the place of partials that have not been answered.
        self._out = {job: one for job, one in self._out.items() if one[0].urgency.is_final}
        self._out[wish.job] = (wish, self._now + self.latency(wish.job))


def check(session: Session) -> None:
    """Hold what a session said to what the protocol promises."""
    committed, open_, decided, promised = 0, False, False, ""
    for effect in session.effects:
        match effect:
            case SpeechStart(at=at):
                assert not open_
                assert at >= committed
                open_, decided, promised = True, False, ""
            case Partial(text=text, stable=stable, pause=pause, words=words):
                assert open_
                assert not words or " ".join(word.text for word in words) == text, "text and words are one thing"
                assert pause is None or pause >= (session.rules.pause or 0)
                assert not decided
                assert text.startswith(promised), "what is promised stays"
                assert stable >= len(promised)
                assert stable == len(text) or not text[stable:].strip() or text[stable] == " " or stable == 0
                promised = text[:stable]
            case Final(end=end, transcript=said):
                assert open_
                assert not decided
                assert end > committed
                assert said.text.startswith(promised)
                assert not said.words or " ".join(word.text for word in said.words) == said.text
                committed, decided = end, True
            case Failure(end=end):
                assert open_
                assert not decided
                committed, decided = end, True
            case SpeechEnd(at=at):
                assert decided
                assert at <= committed
                open_ = False
            case _:
                pass
    assert not open_


def finals(session: Session) -> list[Final]:
    return [effect for effect in session.effects if isinstance(effect, Final)]


def said(session: Session) -> str:
    return " ".join(final.transcript.text for final in finals(session) if final.transcript.text)


def partials(session: Session) -> list[Partial]:
    return [effect for effect in session.effects if isinstance(effect, Partial)]


def rules(shortest_window_s: float = 0.0, **options) -> Rules:
    return Rules.of(StreamConfig(**options), round(shortest_window_s * ENGINE_RATE))


def blocks(seconds: float) -> int:
    return round(seconds * ENGINE_RATE / BLOCK)


def talk(*stretches: float) -> tuple[list[float], list[Said]]:
    """Voice and silence in turn, in seconds, beginning with silence; in the voice a word every 0.3 s."""
    track: list[float] = []
    words: list[Said] = []
    numbers = count()
    for index, seconds in enumerate(stretches):
        if index % 2:
            begin, end = len(track) * BLOCK, (len(track) + blocks(seconds)) * BLOCK
            for start in range(begin, end - ENGINE_RATE // 10, round(0.3 * ENGINE_RATE)):
                words.append(Said(f"w{next(numbers)}", start, min(end, start + round(0.25 * ENGINE_RATE))))
        track += [1.0 if index % 2 else 0.0] * blocks(seconds)
    return track, words


@st.composite
def tracks(draw: st.DrawFn) -> tuple[list[float], list[Said]]:
    """Draw up to half a minute of talk."""
    stretches = draw(st.lists(st.floats(0.05, 5.0), min_size=1, max_size=9))
    return talk(*stretches)


FIRST_KINDS = (Urgency.FIRST, Urgency.PARTIAL)
