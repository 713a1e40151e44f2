"""Recognition of one session with a stateful engine: audio, flushes and the end of input in, results out, at once.

The interface counts session samples, the implementation engine samples. Audio is resampled and split into a fixed grid
of blocks of `BLOCK` samples, counted from the first sample of the session. Each block passes voice detection and
endpointing, and, while an utterance is open, the engine. Finals, failures and flush results depend on the audio and on
where flushes came between, and not on how the audio was split into calls: the resampler and the grid see to that, and
engines are given whole blocks.

A cut (flush or end of input) may lie anywhere: in the middle of a block, or before audio that is decoded already. The
audio since the last commit is therefore retained together with its voice probabilities, so that the grid can be
processed again from the cut without running the detector again.
"""

from collections.abc import Sequence
from math import ceil
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
from auricle.engines.turn_taking.watch import TurnTaking, TurnWatch

RETAINED_SILENCE_S: Final = 0.5
"""Seconds of audio retained while no utterance is open: the pad before speech and the blocks that confirm it."""
SPEECH_CHUNK_S: Final = 2 * BLOCK / ENGINE_RATE
"""Seconds of audio to collect for one `accept` while an utterance is open."""
SILENCE_CHUNK_S: Final = 3 * BLOCK / ENGINE_RATE
"""The same while none is open, as in most sessions most of the time."""


class StatefulRecogniser:
    """Recognises one session with a loaded engine. Calls must not overlap.

    All methods but `close` raise what the engine's voice detector raises; the recogniser must not be used after that.
    """

    def __init__(self, engine: StatefulEngine, config: StreamConfig, turns: TurnTaking | None = None) -> None:
        self._engine = engine
        self._config = config
        self._rules = Rules.of(config.silence_s, config.max_segment_s)
        tells = config.partials and not config.offline and config.pause_s is not None
        self._pause_blocks = max(1, ceil((config.pause_s or 0.0) * ENGINE_RATE / BLOCK)) if tells else None
        """Blocks of silence after which a partial tells of a pause; None: none does."""
        self._front_end = AudioFrontEnd(engine.voice_detector(config), config.audio)
        self._timeline = self._front_end.timeline
        self._audio = self._front_end.audio
        self._turn = None if turns is None else TurnWatch(turns, self._audio, self._timeline.session_sample)
        self._state: Quiet | Speaking = SILENT
        self._open: OpenUtterance | None = None
        self._processed_until = 0
        """All blocks before this engine sample have been processed."""
        self._committed_engine = 0
        self.committed = 0
        """Session samples accounted for: by finals, by failures, or as non-speech."""

    def accept(self, pcm: bytes) -> Sequence[Result]:
        """Process whole sample frames and return the new results. Raises `ValueError` inside a sample frame."""
        self._front_end.accept(pcm)
        return [*self._process_blocks(self._audio.end), Processed(upto_sample=self._front_end.received)]

    def flush(self, flush_id: str, at_sample: int) -> Sequence[Result]:
        """Decide all audio before session sample ``at_sample`` and return the new results.

        Raises `ValueError` for a position that has not been accepted yet.
        """
        if at_sample > self._front_end.received:
            raise ValueError(f"flush at {at_sample}, but only {self._front_end.received} samples have come")
        results: list[Result] = []
        if at_sample > self.committed:
            target = self._timeline.engine_sample(at_sample)
            self._front_end.drain_up_to(target)
            results += self._process_blocks(target)
            results += self._cut(at_sample, target, "flush")
        results.append(FlushDone(flush_id=flush_id, upto_sample=self.committed))
        return results + self._process_blocks(self._audio.end)

    def finish(self) -> Sequence[Result]:
        """End the input, decide all audio, and return the new results."""
        self._front_end.end_input()
        results = self._process_blocks(self._audio.end)
        if max(self._processed_until, self._committed_engine) < self._audio.end:
            probability = self._front_end.last_voice_probability(self._processed_until)
            results += self._process_block(probability, self._audio.end)
        if self.committed < self._front_end.received:
            results += self._cut(self._front_end.received, self._audio.end, "end_input")
        return [*results, StreamDone(upto_sample=self._front_end.received)]

    def close(self) -> None:
        """Release the engine's decoder. Safe to call twice."""
        if self._open is not None:
            self._open.close()
            self._open = None

    @property
    def preferred_chunk(self) -> int:
        """Session samples to collect for the next `accept`: a call costs more than processing a block."""
        return round((SILENCE_CHUNK_S if self._open is None else SPEECH_CHUNK_S) * self._timeline.rate)

    # ------------------------------------------------------------------------ the grid of blocks

    def _process_blocks(self, limit: int) -> list[Result]:
        """Process every block that ends by ``limit`` and has not been processed."""
        results: list[Result] = []
        while self._processed_until + BLOCK <= limit:
            probability = self._front_end.voice_probability(self._processed_until)
            results += self._process_block(probability, self._processed_until + BLOCK)
            self._release_audio()
        return results

    def _process_block(self, probability: float, end: int) -> list[Result]:
        self._processed_until = end
        turn = self._turn
        if turn is None:
            return self._hear(self._rules, probability, end)
        rules = self._rules.ended_by(turn.silence_that_ends(self._state, probability, end))
        results = self._hear(rules, probability, end)
        results = [*turn.follow(self._state, end), *results]
        if self._open is not None and isinstance(self._state, Speaking):
            is_silent = self._state.voiced_until < end
            text = self._open.seems_final() if is_silent and turn.seems_over(end) else ""
            return [*results, *turn.maybe_over(text)] if text else results
        return [*results, *turn.over(self._state, end)]

    def _hear(self, rules: Rules, probability: float, end: int) -> list[Result]:
        self._state, decision = step(rules, self._state, probability, end)
        match decision:
            case None:
                return [*self._decode(end), *self._pause(end)]
            case Began(at=at, opened=opened):
                return [*self._begin(at, opened), *self._decode(end)]
            case Ended(voiced_until=voiced_until):
                at = self._timeline.session_sample(end)
                return [*self._decode(end), *self._conclude(at, end, voiced_until, "endpoint")]
            case TooLong(voiced_until=voiced_until):
                at = self._timeline.session_sample(end)
                return [*self._decode(end), *self._conclude(at, end, voiced_until, "max_length")]
            case _:
                assert_never(decision)

    def _release_audio(self) -> None:
        """Retain the audio of the open utterance, or `RETAINED_SILENCE_S`."""
        needed = (
            self._processed_until - round(RETAINED_SILENCE_S * ENGINE_RATE) if self._open is None else self._open.opened
        )
        needed_for_turn = needed if self._turn is None else self._turn.needs_from(self._processed_until)
        self._front_end.forget_before(min(needed, needed_for_turn))

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

    def _decode(self, upto: int) -> list[Result]:
        return [] if self._open is None else [*self._open.decode(self._audio, upto)]

    def _pause(self, end: int) -> list[Result]:
        """Tell of a pause with the first block that makes it long enough."""
        if self._pause_blocks is None or self._open is None or not isinstance(self._state, Speaking):
            return []
        silence = end - self._state.voiced_until
        is_due = silence - BLOCK < self._pause_blocks * BLOCK <= silence
        return [*self._open.pause(self._state.voiced_until)] if is_due else []

    def _conclude(self, end_sample: int, end: int, voiced_until: int, reason: FinalReason) -> list[Result]:
        """Return the final or failure, then the end of speech; ``end_sample`` and ``end`` are the same position."""
        assert self._open is not None, "only an open utterance can be concluded"
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
        """Decide the audio before session sample ``at_sample``, engine sample ``at``; what follows stays open."""
        results: list[Result] = []
        candidate = unconfirmed_onset(self._state, before=at)
        if self._open is None and candidate is not None:
            self._state = open_at(candidate, at)
            results += self._begin(candidate, self._state.opened)
        if self._open is None or self._open.began >= at:
            self._commit(at_sample, at)
            return results
        if self._open.decoded_until > at:
            self._open.redecode(self._audio, at)
        else:
            results += self._open.decode(self._audio, at)
        voiced_until = self._state.voiced_until if isinstance(self._state, Speaking) else at
        results += self._conclude(at_sample, at, min(voiced_until, at), reason)
        self._state = after_cut(self._state, at)
        self._processed_until = min(self._processed_until, at - at % BLOCK)
        return results
