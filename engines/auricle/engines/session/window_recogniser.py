"""Recognition of one session with a window engine: audio and control in, results and decode commands out.

The streaming policy (`auricle.engines.policy`) decides; this module connects it to the audio. Each block of the grid
becomes a `Voice` event of the policy, positions in the policy's effects become audio, and the effects become results in
session samples. No method waits for a decode: a decode is a `DecodeRequest` among the outputs, and its outcome comes
back in another call, through `decoded` or `decode_failed`.

While a final is being decoded no further block is processed, so that results keep their order and do not depend on how
long a decode takes. Audio and control that arrive in that time wait here.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, assert_never

from auricle.engines.audio.endpointing import SILENT
from auricle.engines.audio.front_end import AudioFrontEnd
from auricle.engines.policy.events import (
    Cut,
    Decode,
    Drop,
    Effect,
    Event,
    Failed,
    Failure,
    Forget,
    Heard,
    Pace,
    Partial,
    Promote,
    Rewind,
    SpeechEnd,
    SpeechStart,
    Voice,
)
from auricle.engines.policy.events import Final as FinalEffect
from auricle.engines.policy.next_event import next_event
from auricle.engines.policy.speculation import seems_final
from auricle.engines.policy.state import INITIAL, PARTIAL_INTERVAL_S, Rules
from auricle.engines.policy.step import step
from auricle.engines.protocol import (
    BLOCK,
    ENGINE_RATE,
    FeatureCache,
    FlushDone,
    PartedEngine,
    Processed,
    Result,
    SpeechEnded,
    SpeechStarted,
    StreamConfig,
    StreamDone,
    Transcript,
    UtteranceFailed,
    Window,
    WindowEngine,
)
from auricle.engines.scheduling.decode_request import DecodeCommand, DecodeRequest
from auricle.engines.session.results import Extent, final_of, partial_of
from auricle.engines.turn_taking.watch import TurnTaking, TurnWatch

SILENCE_CHUNK: Final = 4 * BLOCK
"""Engine samples to collect for one `accept` during silence: twice as many as confirm speech, because most sessions are
silent most of the time, and a call costs more than the blocks do."""
LONGEST_CHUNK: Final = 6 * BLOCK
"""Most engine samples to collect where nothing can happen sooner: `Processed` results carry the progress that credit
follows, and clients may wait for it."""

Output = Result | DecodeCommand


@dataclass(frozen=True, slots=True)
class _Control:
    """A flush, or the end of input, where ``flush_id`` is None."""

    flush_id: str | None
    at_sample: int
    target: int
    """``at_sample`` in engine samples."""

    @property
    def reason(self) -> Literal["flush", "end_input"]:
        return "end_input" if self.flush_id is None else "flush"


class WindowRecogniser:
    """Recognises one session with a loaded engine. Calls must not overlap.

    All methods but `close` raise what the engine's voice detector raises; the recogniser must not be used after that.
    """

    def __init__(self, engine: WindowEngine, config: StreamConfig, turns: TurnTaking | None = None) -> None:
        self._config = config
        self._state = INITIAL
        self._features = _feature_cache(engine)
        self._front_end = AudioFrontEnd(engine.voice_detector(config), config.audio)
        self._timeline = self._front_end.timeline
        self._turn = None if turns is None else TurnWatch(turns, self._front_end.audio, self._timeline.session_sample)
        self._rules = Rules.of(
            config,
            next(iter(engine.lanes.buckets), 0),
            engine.info.languages,
            speculate_after=None if self._turn is None else self._turn.speculate_after,
        )
        self._processed_until = 0
        """All blocks before this engine sample have been processed."""
        self._controls: deque[_Control] = deque()
        self._is_cut = False
        """Whether the policy has been given the cut of the first control."""
        self._interval: int | None = round(PARTIAL_INTERVAL_S * ENGINE_RATE)
        self._committed = 0
        """Session samples accounted for: by finals, by failures, or as non-speech."""
        self._reported = 0
        """Session samples that `Processed` results have reported."""

    def set_partial_interval(self, interval_s: float | None) -> Sequence[Output]:
        """Set the seconds of speech between two partials; None: no partials."""
        interval = None if interval_s is None else round(interval_s * ENGINE_RATE)
        if interval == self._interval:
            return ()
        self._interval = interval
        return self._step(Pace(interval=interval))

    def accept(self, pcm: bytes) -> Sequence[Output]:
        """Process whole sample frames and return the outputs. Raises `ValueError` inside a sample frame."""
        self._front_end.accept(pcm)
        return self._process()

    def flush(self, flush_id: str, at_sample: int) -> Sequence[Output]:
        """Decide all audio before session sample ``at_sample``; `FlushDone` follows once that is done.

        Raises `ValueError` for a position that has not been accepted yet.
        """
        if at_sample > self._front_end.received:
            raise ValueError(f"flush at {at_sample}, but only {self._front_end.received} samples have come")
        target = self._timeline.engine_sample(at_sample)
        self._front_end.drain_up_to(target)
        self._controls.append(_Control(flush_id, at_sample, target))
        return self._process()

    def finish(self) -> Sequence[Output]:
        """End the input and decide all audio; `StreamDone` follows once that is done."""
        self._front_end.end_input()
        self._controls.append(_Control(None, self._front_end.received, self._front_end.audio.end))
        return self._process()

    def decoded(self, job: int, transcript: Transcript) -> Sequence[Output]:
        """Take the transcript of the decode request ``job`` and return the outputs."""
        return [*self._step(Heard(job=job, transcript=transcript)), *self._end_of_turn(), *self._process()]

    def decode_failed(self, job: int, message: str) -> Sequence[Output]:
        """Take the failure of the decode request ``job``, ``message`` in one sentence, and return the outputs."""
        return [*self._step(Failed(job=job, message=message)), *self._end_of_turn(), *self._process()]

    def close(self) -> None:
        """Do nothing: a window engine holds nothing for a session."""

    @property
    def preferred_chunk(self) -> int:
        """Session samples to collect for the next `accept`: fewer could not change any output."""
        at = min(self._next_position(), self._processed_until + LONGEST_CHUNK)
        return max(0, self._timeline.session_sample(at) - self._front_end.received)

    def _next_position(self) -> int:
        position = self._next_event()
        if self._turn is None or self._state.deciding:
            return position
        return self._turn.next_event(self._state.voice, self._processed_until, position)

    def _next_event(self) -> int:
        if self._state.deciding:
            return self._processed_until + LONGEST_CHUNK
        if self._state.voice == SILENT:
            return self._processed_until + SILENCE_CHUNK
        return next_event(self._rules, self._state, self._processed_until)

    # ------------------------------------------------------------------------ the grid of blocks, and control

    def _process(self) -> list[Output]:
        """Process blocks and controls until none is left or a final is being decoded; return the outputs."""
        outputs: list[Output] = []
        while not self._state.deciding and (more := self._process_next()) is not None:
            outputs += more
        # Everything received counts as processed, except what waits for a final.
        processed = (
            self._timeline.session_sample(self._processed_until) if self._state.deciding else self._front_end.received
        )
        if processed > self._reported:
            self._reported = processed
            at = next((i for i, output in enumerate(outputs) if isinstance(output, StreamDone)), len(outputs))
            outputs.insert(at, Processed(upto_sample=processed))
        return outputs

    def _process_next(self) -> list[Output] | None:
        """Process one block, or one step of a control; return None where neither is left."""
        control = self._controls[0] if self._controls else None
        limit = self._front_end.audio.end if control is None else control.target
        if not self._is_cut and self._processed_until + BLOCK <= limit:
            return self._process_block(
                self._front_end.voice_probability(self._processed_until), self._processed_until + BLOCK
            )
        if control is None:
            return None
        if not self._is_cut:
            return self._cut(control)
        return self._complete(self._controls.popleft())

    def _process_block(self, probability: float, end: int) -> list[Output]:
        self._processed_until = end
        turn = self._turn
        if turn is None:
            return self._step(Voice(probability=probability, end=end))
        silence = turn.silence_that_ends(self._state.voice, probability, end)
        outputs = self._step(Voice(probability=probability, end=end, silence=silence))
        return [*turn.follow(self._state.voice, end), *outputs, *self._end_of_turn()]

    def _end_of_turn(self) -> list[Output]:
        """Return that the turn may be over, or is, once that is known and all of it is said."""
        if self._turn is None or self._state.deciding:
            return []
        open_text = seems_final(self._rules, self._state)
        if open_text:
            seems_over = self._turn.seems_over(self._processed_until)
            return [*self._turn.maybe_over(open_text)] if seems_over else []
        return [*self._turn.over(self._state.voice, self._processed_until)]

    def _cut(self, control: _Control) -> list[Output]:
        """Give the policy the cut; at the end of input first the last, incomplete block."""
        if control.at_sample <= self._committed:
            self._is_cut = True
            return []
        if control.flush_id is None and max(self._processed_until, self._state.committed) < control.target:
            return self._process_block(self._front_end.last_voice_probability(self._processed_until), control.target)
        self._is_cut = True
        return self._step(Cut(at=control.target, reason=control.reason))

    def _complete(self, control: _Control) -> list[Output]:
        """Return the result that answers ``control``, whose audio is decided."""
        self._is_cut = False
        self._committed = max(self._committed, control.at_sample)
        if control.flush_id is None:
            return [StreamDone(upto_sample=self._front_end.received)]
        return [FlushDone(flush_id=control.flush_id, upto_sample=self._committed)]

    # ------------------------------------------------------------------------ the policy

    def _step(self, event: Event) -> list[Output]:
        self._state, effects = step(self._rules, self._state, event)
        return [output for effect in effects for output in self._apply(effect)]

    def _apply(self, effect: Effect) -> list[Output]:
        match effect:
            case Decode():
                return [self._request(effect)]
            case Promote() | Drop():
                return [effect]
            case SpeechStart(at=at):
                return [SpeechStarted(at_sample=max(self._committed, self._timeline.session_sample(at)))]
            case SpeechEnd(at=at):
                return [SpeechEnded(at_sample=min(self._committed, self._timeline.session_sample(at)))]
            case Partial():
                return [self._partial(effect)]
            case FinalEffect():
                return [self._final(effect)]
            case Failure(end=end, message=message):
                return [UtteranceFailed(end_sample=self._commit(end), message=message)]
            case Rewind(to=to):
                self._processed_until = min(self._processed_until, to - to % BLOCK)
                return []
            case Forget(before=before):
                self._forget_before(before)
                return []
            case _:
                assert_never(effect)

    def _request(self, decode: Decode) -> DecodeRequest:
        audio = self._front_end.audio
        window = Window(
            audio=audio.slice(decode.start, decode.end),
            config=self._config,
            final=decode.urgency.is_final,
            start_sample=decode.start,
            timed=decode.timed,
            context=decode.context,
            language=decode.language,
            features=None if self._features is None else self._features.window(audio, decode.start, decode.end),
            told_after=None if decode.told_after is None else _in_window(decode.told_after, decode.start),
            voiced=tuple(
                _in_window(span, decode.start) for span in self._front_end.voiced_spans(decode.start, decode.end)
            ),
        )
        return DecodeRequest(job=decode.job, urgency=decode.urgency, window=window)

    def _forget_before(self, position: int) -> None:
        needed = position if self._turn is None else self._turn.needs_from(self._processed_until)
        self._front_end.forget_before(min(position, needed))
        if self._features is not None:
            self._features.forget_before(position)

    # ------------------------------------------------------------------------ results

    def _commit(self, end: int) -> int:
        """Commit the audio before engine sample ``end`` and return the session sample of that position.

        A cut lies at the session sample that the client named, which may fall between two engine samples.
        """
        cut_sample = self._controls[0].at_sample if self._is_cut and end == self._controls[0].target else None
        self._committed = self._timeline.session_sample(end) if cut_sample is None else cut_sample
        return self._committed

    def _final(self, effect: FinalEffect) -> Result:
        not_before_s = self._committed / self._timeline.rate
        end_sample = self._commit(effect.end)
        extent = _extent(effect.spoken, not_before_s, end_sample / self._timeline.rate)
        return final_of(effect.transcript, extent, stable_prefix="", end_sample=end_sample, reason=effect.reason)

    def _partial(self, effect: Partial) -> Result:
        transcript = Transcript(
            text=effect.text,
            words=effect.words,
            confidence=effect.confidence or 0.0,
            language=effect.language,
            stable=effect.stable,
        )
        spoken = (effect.start, effect.end)
        extent = _extent(spoken, self._committed / self._timeline.rate, effect.end / ENGINE_RATE)
        pause_s = None if effect.pause is None else effect.pause / ENGINE_RATE
        return replace(partial_of(transcript, extent, stable_prefix=""), pause_s=pause_s)


def _feature_cache(engine: WindowEngine) -> FeatureCache | None:
    make = engine.session_parts().features if isinstance(engine, PartedEngine) else None
    return None if make is None else make()


def _in_window(span: tuple[int, int], start: int) -> tuple[float, float]:
    """Return a span of engine samples in seconds from the ``start`` of a window."""
    begin, end = span
    return (begin - start) / ENGINE_RATE, (end - start) / ENGINE_RATE


def _extent(spoken: tuple[int, int], not_before_s: float, end_s: float) -> Extent:
    """Return the extent of an utterance whose words have session time already."""
    begin, end = (position / ENGINE_RATE for position in spoken)
    return Extent(
        audio_begin_s=0.0, begin_s=not_before_s, end_s=max(not_before_s, end_s), speech_begin_s=begin, speech_end_s=end
    )
