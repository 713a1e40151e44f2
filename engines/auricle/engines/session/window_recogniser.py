"""One session's speech before a window engine: bytes and control in, results and wishes for decodes out.

The streaming policy decides; here are its eyes and hands. The grid of blocks is walked and told to the policy as voice,
its positions become audio, and what it says becomes results in session samples. Nothing here waits: a decode is a
`DecodeRequest`, and its outcome comes back through `heard` or `failed`, in another call.

While the policy is deciding, that is while a final is out, the walk stands still: results keep their order, and what is
durable does not depend on how long a decode takes. Audio and control that come meanwhile wait here.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
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

QUIET_STEP: Final = 4 * BLOCK
"""Engine samples between two looks where nobody speaks: twice as many as it takes to notice somebody, because that is
where most sessions are most of the time, and a look costs more than the blocks do."""
LONGEST_STEP: Final = 6 * BLOCK
"""The same wherever nothing can happen: clients are told what has been heard, and some may wait for that credit."""

Output = Result | DecodeCommand


@dataclass(frozen=True, slots=True)
class _Control:
    """A flush, or the end of input where ``flush_id`` is None."""

    flush_id: str | None
    at_sample: int
    target: int
    """The same position, in engine samples."""

    @property
    def reason(self) -> Literal["flush", "end_input"]:
        return "end_input" if self.flush_id is None else "flush"


class WindowRecogniser:
    """Calls must not overlap. A fault of the engine's voice detector is raised, and is the end of the session."""

    def __init__(self, engine: WindowEngine, config: StreamConfig) -> None:
        self._config = config
        self._rules = Rules.of(config, next(iter(engine.lanes.buckets), 0))
        self._state = INITIAL
        self._features = _feature_cache(engine)
        self._front_end = AudioFrontEnd(engine.voice_detector(config), config.audio)
        self._timeline = self._front_end.timeline
        self._walked = 0
        """The grid has been walked up to here."""
        self._controls: deque[_Control] = deque()
        self._is_cut = False
        """The first control has been told to the policy."""
        self._interval: int | None = round(PARTIAL_INTERVAL_S * ENGINE_RATE)
        self._committed = 0
        """Session samples accounted for: by finals, by failures, or as non-speech."""
        self._processed = 0
        """Session samples that have been told to be heard."""

    def pace(self, interval_s: float | None) -> Sequence[Output]:
        """Decode partials so often from now on; None: not at all."""
        interval = None if interval_s is None else round(interval_s * ENGINE_RATE)
        if interval == self._interval:
            return ()
        self._interval = interval
        return self._tell(Pace(interval=interval))

    def accept(self, pcm: bytes) -> Sequence[Output]:
        """Hear whole sample frames; return what there is to say and to wish."""
        self._front_end.accept(pcm)
        return self._go_on()

    def flush(self, flush_id: str, at_sample: int) -> Sequence[Output]:
        """Decide everything before session sample ``at_sample``, which has been accepted. Raises `ValueError`."""
        if at_sample > self._front_end.received:
            raise ValueError(f"flush at {at_sample}, but only {self._front_end.received} samples have come")
        target = self._timeline.engine_sample(at_sample)
        self._front_end.drain_up_to(target)
        self._controls.append(_Control(flush_id, at_sample, target))
        return self._go_on()

    def finish(self) -> Sequence[Output]:
        """Decide everything: no more audio will come."""
        self._front_end.end_input()
        self._controls.append(_Control(None, self._front_end.received, self._front_end.audio.end))
        return self._go_on()

    def heard(self, job: int, transcript: Transcript) -> Sequence[Output]:
        """Take the result of a decode that was wished for."""
        return [*self._tell(Heard(job=job, transcript=transcript)), *self._go_on()]

    def failed(self, job: int, message: str) -> Sequence[Output]:
        """Take it that a decode that was wished for failed; ``message`` is one sentence."""
        return [*self._tell(Failed(job=job, message=message)), *self._go_on()]

    def close(self) -> None:
        """Nothing is lent by the engine."""

    @property
    def wanted(self) -> int:
        """Session samples that had better come before the next `accept`: nothing would come of fewer."""
        at = min(self._next_step(), self._walked + LONGEST_STEP)
        return max(0, self._timeline.session_sample(at) - self._front_end.received)

    def _next_step(self) -> int:
        if self._state.deciding:
            return self._walked + LONGEST_STEP
        if self._state.voice == SILENT:
            return self._walked + QUIET_STEP
        return next_event(self._rules, self._state, self._walked)

    # ------------------------------------------------------------------------ the walk

    def _go_on(self) -> list[Output]:
        """Walk and obey for as long as the policy is not deciding."""
        outputs: list[Output] = []
        while not self._state.deciding and (done := self._next()) is not None:
            outputs += done
        # All that has come is heard, but for what waits for a decision.
        heard = self._timeline.session_sample(self._walked) if self._state.deciding else self._front_end.received
        if heard > self._processed:
            self._processed = heard
            at = next((i for i, output in enumerate(outputs) if isinstance(output, StreamDone)), len(outputs))
            outputs.insert(at, Processed(upto_sample=heard))
        return outputs

    def _next(self) -> list[Output] | None:
        """Do one thing; None where there is nothing to do."""
        control = self._controls[0] if self._controls else None
        limit = self._front_end.audio.end if control is None else control.target
        if not self._is_cut and self._walked + BLOCK <= limit:
            return self._hear_block(self._front_end.voice_probability(self._walked), self._walked + BLOCK)
        if control is None:
            return None
        if not self._is_cut:
            return self._cut(control)
        return self._answer(self._controls.popleft())

    def _hear_block(self, probability: float, end: int) -> list[Output]:
        self._walked = end
        return self._tell(Voice(probability=probability, end=end))

    def _cut(self, control: _Control) -> list[Output]:
        """Tell the policy; at the end of input first what is left of a block."""
        if control.at_sample <= self._committed:
            self._is_cut = True
            return []
        if control.flush_id is None and max(self._walked, self._state.committed) < control.target:
            return self._hear_block(self._front_end.last_voice_probability(self._walked), control.target)
        self._is_cut = True
        return self._tell(Cut(at=control.target, reason=control.reason))

    def _answer(self, control: _Control) -> list[Output]:
        self._is_cut = False
        self._committed = max(self._committed, control.at_sample)
        if control.flush_id is None:
            return [StreamDone(upto_sample=self._front_end.received)]
        return [FlushDone(flush_id=control.flush_id, upto_sample=self._committed)]

    # ------------------------------------------------------------------------ the policy's wishes

    def _tell(self, event: Event) -> list[Output]:
        self._state, effects = step(self._rules, self._state, event)
        return [output for effect in effects for output in self._obey(effect)]

    def _obey(self, effect: Effect) -> list[Output]:
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
                self._walked = min(self._walked, to - to % BLOCK)
                return []
            case Forget(before=before):
                self._forget_before(before)
                return []
            case _:
                assert_never(effect)

    def _request(self, wish: Decode) -> DecodeRequest:
        audio = self._front_end.audio
        window = Window(
            audio=audio.slice(wish.start, wish.end),
            config=self._config,
            final=wish.urgency.is_final,
            start_sample=wish.start,
            timed=wish.timed,
            context=wish.context,
            language=wish.language,
            features=None if self._features is None else self._features.window(audio, wish.start, wish.end),
            told_after=None
            if wish.told_after is None
            else ((wish.told_after[0] - wish.start) / ENGINE_RATE, (wish.told_after[1] - wish.start) / ENGINE_RATE),
            voiced=tuple(
                ((begin - wish.start) / ENGINE_RATE, (end - wish.start) / ENGINE_RATE)
                for begin, end in self._front_end.voiced_spans(wish.start, wish.end)
            ),
        )
        return DecodeRequest(job=wish.job, urgency=wish.urgency, window=window)

    def _forget_before(self, position: int) -> None:
        self._front_end.forget_before(position)
        if self._features is not None:
            self._features.forget_before(position)

    # ------------------------------------------------------------------------ results

    def _commit(self, end: int) -> int:
        """Return the session sample for the engine sample ``end`` up to which everything is accounted for now.

        A cut lies where the client said, which may be between two engine samples.
        """
        asked = self._controls[0].at_sample if self._is_cut and end == self._controls[0].target else None
        self._committed = self._timeline.session_sample(end) if asked is None else asked
        return self._committed

    def _final(self, effect: FinalEffect) -> Result:
        not_before_s = self._committed / self._timeline.rate
        end_sample = self._commit(effect.end)
        extent = _extent(effect.spoken, not_before_s, end_sample / self._timeline.rate)
        return final_of(effect.transcript, extent, promised="", end_sample=end_sample, reason=effect.reason)

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
        return partial_of(transcript, extent, promised="")


def _feature_cache(engine: WindowEngine) -> FeatureCache | None:
    make = engine.session_parts().features if isinstance(engine, PartedEngine) else None
    return None if make is None else make()


def _extent(spoken: tuple[int, int], not_before_s: float, end_s: float) -> Extent:
    """Words are on the session's clock already."""
    begin, end = (position / ENGINE_RATE for position in spoken)
    return Extent(
        heard_from_s=0.0, begin_s=not_before_s, end_s=max(not_before_s, end_s), speech_begin_s=begin, speech_end_s=end
    )
