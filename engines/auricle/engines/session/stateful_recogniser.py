"""One session's speech in the hands of a stateful engine: bytes and control in, results out, at once.

Outward everything counts session samples, inward engine samples. Audio runs through resampler, a fixed grid of blocks
of `BLOCK` samples counted from the first sample of the session, the voice detector, endpointing, and, while somebody
speaks, the engine. What is durable depends on the bytes and on where control came between them, never on how the
bytes were cut: the resampler and the grid see to that, and engines hear whole blocks.

A cut (flush, end of input) may lie anywhere, also in the middle of a block or behind what has been heard already. The
audio since the last commit is kept, and so is the voice heard in it, so that the grid can be walked again from the
cut; the detector hears each block once.
"""

from collections.abc import Sequence
from typing import Final, assert_never

from auricle.core.parts import FinalReason
from auricle.engines.audio.endpointing import (
    SILENT,
    Began,
    Ended,
    Quiet,
    Rules,
    Speaking,
    TooLong,
    after_cut,
    open_at,
    step,
    unconfirmed_onset,
)
from auricle.engines.audio.front_end import AudioFrontEnd
from auricle.engines.protocol import (
    BLOCK,
    ENGINE_RATE,
    FlushDone,
    Processed,
    Result,
    SpeechEnded,
    SpeechStarted,
    StatefulEngine,
    StreamConfig,
    StreamDone,
)
from auricle.engines.session.open_utterance import OpenUtterance

KEPT_S: Final = 0.5
"""Audio kept while nobody speaks: the opening of an utterance and the blocks that have to confirm it."""
SPEECH_STEP_S: Final = 2 * BLOCK / ENGINE_RATE
"""Audio that is worth a turn while somebody speaks …"""
QUIET_STEP_S: Final = 3 * BLOCK / ENGINE_RATE
"""… and where nobody does, which is where most sessions are most of the time."""


class StatefulRecogniser:
    """Calls must not overlap. A fault of the engine's voice detector is raised, and is the end of the session."""

    def __init__(self, engine: StatefulEngine, config: StreamConfig) -> None:
        self._engine = engine
        self._config = config
        self._rules = Rules.of(config.silence_s, config.max_segment_s)
        self._front_end = AudioFrontEnd(engine.voice_detector(config), config.audio)
        self._timeline = self._front_end.timeline
        self._audio = self._front_end.audio
        self._state: Quiet | Speaking = SILENT
        self._open: OpenUtterance | None = None
        self._walked = 0
        """The grid has been walked up to here."""
        self._committed_engine = 0
        self.committed = 0
        """Session samples accounted for: by finals, by failures, or as non-speech."""

    def accept(self, pcm: bytes) -> Sequence[Result]:
        """Hear whole sample frames; return what there is to say."""
        self._front_end.accept(pcm)
        return [*self._walk(self._audio.end), Processed(upto_sample=self._front_end.received)]

    def flush(self, flush_id: str, at_sample: int) -> Sequence[Result]:
        """Decide everything before session sample ``at_sample``, which has been accepted. Raises `ValueError`."""
        if at_sample > self._front_end.received:
            raise ValueError(f"flush at {at_sample}, but only {self._front_end.received} samples have come")
        results: list[Result] = []
        if at_sample > self.committed:
            target = self._timeline.engine_sample(at_sample)
            self._front_end.drain_up_to(target)
            results += self._walk(target)
            results += self._cut(at_sample, target, "flush")
        results.append(FlushDone(flush_id=flush_id, upto_sample=self.committed))
        return results + self._walk(self._audio.end)

    def finish(self) -> Sequence[Result]:
        """Decide everything: no more audio will come."""
        self._front_end.end_input()
        results = self._walk(self._audio.end)
        if max(self._walked, self._committed_engine) < self._audio.end:
            probability = self._front_end.last_voice_probability(self._walked)
            results += self._hear_block(probability, self._audio.end)
        if self.committed < self._front_end.received:
            results += self._cut(self._front_end.received, self._audio.end, "end_input")
        return [*results, StreamDone(upto_sample=self._front_end.received)]

    def close(self) -> None:
        """Give back what the engine lent. Safe to call twice."""
        if self._open is not None:
            self._open.close()
            self._open = None

    @property
    def wanted(self) -> int:
        """Session samples that had better come before the next `accept`: a turn costs more than hearing a block."""
        return round((QUIET_STEP_S if self._open is None else SPEECH_STEP_S) * self._timeline.rate)

    # ------------------------------------------------------------------------ the walk

    def _walk(self, limit: int) -> list[Result]:
        """Hear every block that ends by ``limit`` and has not been walked."""
        results: list[Result] = []
        while self._walked + BLOCK <= limit:
            probability = self._front_end.voice_probability(self._walked)
            results += self._hear_block(probability, self._walked + BLOCK)
            self._forget()
        return results

    def _hear_block(self, probability: float, end: int) -> list[Result]:
        self._walked = end
        self._state, decision = step(self._rules, self._state, probability, end)
        match decision:
            case None:
                return self._listen(end)
            case Began(at=at, opened=opened):
                return [*self._begin(at, opened), *self._listen(end)]
            case Ended(voiced_until=voiced_until):
                at = self._timeline.session_sample(end)
                return [*self._listen(end), *self._conclude(at, end, voiced_until, "endpoint")]
            case TooLong(voiced_until=voiced_until):
                at = self._timeline.session_sample(end)
                return [*self._listen(end), *self._conclude(at, end, voiced_until, "max_length")]
            case _:
                assert_never(decision)

    def _forget(self) -> None:
        """Keep the open utterance, or a little of the silence."""
        needed = self._walked - round(KEPT_S * ENGINE_RATE) if self._open is None else self._open.opened
        self._front_end.forget_before(needed)

    # ------------------------------------------------------------------------ the open utterance

    def _begin(self, at: int, opened: int) -> list[Result]:
        began = max(at, self._committed_engine)
        self._open = OpenUtterance(
            self._engine,
            self._config,
            began=began,
            opened=max(opened, self._committed_engine, self._audio.start),
            not_before_s=self.committed / self._timeline.rate,
        )
        return [SpeechStarted(at_sample=max(self.committed, self._timeline.session_sample(began)))]

    def _listen(self, upto: int) -> list[Result]:
        return [] if self._open is None else [*self._open.hear(self._audio, upto)]

    def _conclude(self, end_sample: int, end: int, voiced_until: int, reason: FinalReason) -> list[Result]:
        """Say the final, then the end of speech; ``end_sample`` and ``end`` are the same place on both timelines."""
        assert self._open is not None, "only speech that has begun can end"
        result = self._open.conclude(
            end_sample, end_s=end_sample / self._timeline.rate, voiced_until=voiced_until, reason=reason
        )
        spoken_until = self._timeline.session_sample(max(voiced_until, self._open.began))
        self._open = None
        self._commit(end_sample, end)
        return [result, SpeechEnded(at_sample=min(spoken_until, end_sample))]

    def _commit(self, sample: int, engine_sample: int) -> None:
        self.committed = sample
        self._committed_engine = engine_sample
        if self._open is not None:
            self._open.not_before_s = sample / self._timeline.rate

    # ------------------------------------------------------------------------ cuts

    def _cut(self, at_sample: int, at: int, reason: FinalReason) -> list[Result]:
        """Decide what lies before session sample ``at_sample``, engine sample ``at``; what is behind it stays open."""
        results: list[Result] = []
        candidate = unconfirmed_onset(self._state, before=at)
        if self._open is None and candidate is not None:
            self._state = open_at(candidate, at)
            results += self._begin(candidate, self._state.opened)
        if self._open is None or self._open.began >= at:
            self._commit(at_sample, at)
            return results
        if self._open.fed > at:
            self._open.rehear(self._audio, at)
        else:
            results += self._open.hear(self._audio, at)
        voiced_until = self._state.voiced_until if isinstance(self._state, Speaking) else at
        results += self._conclude(at_sample, at, min(voiced_until, at), reason)
        self._state = after_cut(self._state, at)
        self._walked = min(self._walked, at - at % BLOCK)
        return results
