"""Live on virtual time: one session hears a tape frame by frame, and its decodes are answered after a delay.

Nothing sleeps: a decode is computed when it begins and answered when the virtual clock has gone on by its delay, so
words under the pace of speech are known as fast as the model decodes. With a fixed delay a run is the same every time.
Rules of the real dispatcher hold: the most urgent first, a newer partial in the place of one that waits, and what runs
is not interrupted. There is one session, so nobody else is waited for.
"""

import heapq
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from clips import LEAD_S, Tape, lay
from cpu import metered
from pacing import frame_deadline, frames
from recording import Said
from words.files import recording_of
from words.heard import Heard, Hearing, heard_of
from words.samples import Sample

from auricle.engines.policy.events import Drop, Promote, Urgency
from auricle.engines.policy.state import PARTIAL_INTERVAL_S
from auricle.engines.protocol import (
    ENGINE_RATE,
    EngineError,
    StreamConfig,
    Transcript,
    Window,
    WindowEngine,
)
from auricle.engines.scheduling.decode_request import DecodeRequest
from auricle.engines.session.window_recogniser import Output, WindowRecogniser

AFTER_S = 0.7
"""Silence on a tape behind that which ends an utterance, in seconds."""
SAMPLE_BYTES = 2

Delay = Callable[[Window, float], float]
"""Returns the virtual seconds of a decode, of its window and the CPU seconds that it took."""


def fixed(seconds: float) -> Delay:
    """Return a delay that is always the same: runs repeat exactly."""
    return lambda window, cpu_s: seconds


def measured(factor: float) -> Delay:
    """Return a delay of the measured CPU time, times ``factor``: as it is, and no two runs alike."""
    return lambda window, cpu_s: cpu_s * factor


@dataclass(slots=True)
class _Lanes:
    """Decodes that wait and those that run, on virtual time."""

    engine: WindowEngine
    delay: Delay
    count: int
    waiting: list[DecodeRequest] = field(default_factory=list)
    running: list[tuple[float, int, Transcript | str]] = field(default_factory=list)
    """A heap of (when it is answered, job, outcome)."""

    def ask(self, request: DecodeRequest) -> None:
        """Queue a decode. A newer partial takes the place of one that waits."""
        if not request.urgency.is_final:
            self.waiting = [other for other in self.waiting if other.urgency.is_final]
        self.waiting.append(request)

    def promote(self, job: int) -> None:
        """Somebody waits for a speculative decode now."""
        self.waiting = [
            DecodeRequest(job=job, urgency=Urgency.FINAL, window=r.window) if r.job == job else r for r in self.waiting
        ]

    def drop(self, job: int) -> None:
        """Nobody wants it any more; one that runs goes on and is answered, as with a real engine."""
        self.waiting = [request for request in self.waiting if request.job != job]

    def begin(self, now_s: float) -> None:
        """Begin what waits wherever a lane is free."""
        while self.waiting and len(self.running) < self.count:
            request = min(self.waiting, key=lambda request: (request.urgency, request.job))
            self.waiting.remove(request)
            began_s = time.process_time()
            outcome = _decoded(self.engine, request.window)
            took_s = self.delay(request.window, time.process_time() - began_s)
            heapq.heappush(self.running, (now_s + took_s, request.job, outcome))


def _decoded(engine: WindowEngine, window: Window) -> Transcript | str:
    try:
        (transcript,) = engine.decode([window])
    except EngineError as error:
        return str(error)
    return transcript


def play_virtually(
    engine: WindowEngine,
    tape: Tape,
    config: StreamConfig,
    *,
    frame_s: float,
    delay: Delay,
    lanes: int = 1,
    interval_s: float = PARTIAL_INTERVAL_S,
) -> tuple[Said, ...]:
    """Let one session hear a tape; return what it said, and when on the virtual clock."""
    recogniser = WindowRecogniser(engine, config)
    recogniser.set_partial_interval(interval_s)
    work = _Lanes(engine=engine, delay=delay, count=lanes)
    said: list[Said] = []

    def obey(outputs: Sequence[Output], now_s: float) -> None:
        for output in outputs:
            match output:
                case DecodeRequest():
                    work.ask(output)
                case Promote(job=job):
                    work.promote(job)
                case Drop(job=job):
                    work.drop(job)
                case _:
                    said.append(Said(at_s=now_s, result=output))
        work.begin(now_s)

    def answer_until(now_s: float) -> None:
        while work.running and work.running[0][0] <= now_s:
            at_s, job, outcome = heapq.heappop(work.running)
            told = (
                recogniser.decode_failed(job, outcome) if isinstance(outcome, str) else recogniser.decoded(job, outcome)
            )
            obey(told, at_s)
            work.begin(at_s)

    fed = bytearray()
    end_s = tape.seconds
    for index, frame in enumerate(frames(tape.pcm, round(frame_s * ENGINE_RATE) * SAMPLE_BYTES)):
        now_s = min(frame_deadline(0.0, index, frame_s), end_s)
        answer_until(now_s)
        fed += frame
        # As sessions of the actor do: fewer samples would bring nothing.
        if len(fed) >= recogniser.preferred_chunk * SAMPLE_BYTES:
            piece, fed = bytes(fed), bytearray()
            obey(recogniser.accept(piece), now_s)
    if fed:
        obey(recogniser.accept(bytes(fed)), end_s)
    obey(recogniser.finish(), end_s)
    answer_until(float("inf"))
    recogniser.close()
    return tuple(said)


def tape_of(sample: Sample, silence_s: float) -> Tape:
    """Return a clip between silences: before it a short one, behind it one that ends its last utterance."""
    return lay([sample.clip], lambda _: silence_s + AFTER_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Virtual:
    """Live with partials, each clip in a session of its own, on virtual time."""

    engine: Callable[[], WindowEngine]
    silence_s: float
    frame_s: float
    delay: Delay
    detect_language: bool
    interval_s: float = PARTIAL_INTERVAL_S
    """Between two partials of an utterance; 0: none."""

    def hear(self, samples: Sequence[Sample], tell: Callable[[str], None]) -> Hearing:
        """Play one clip after the other."""
        engine = self.engine()
        heard: list[Heard] = []
        cpu_s = wall_s = 0.0
        for sample in samples:
            tell(sample.name)
            tape = tape_of(sample, self.silence_s)
            language = None if self.detect_language else sample.language
            config = StreamConfig(language=language, silence_s=self.silence_s, partials=self.interval_s > 0.0)
            with metered() as used:
                said = play_virtually(
                    engine, tape, config, frame_s=self.frame_s, delay=self.delay, interval_s=self.interval_s
                )
            recording = recording_of(tape, said, self.frame_s)
            heard.append(heard_of(sample.name, recording, offset_s=LEAD_S, paced=True, cpu_s=used.cpu_s))
            cpu_s += used.cpu_s
            wall_s += used.wall_s
        return Hearing(heard=tuple(heard), cpu_s=cpu_s, wall_s=wall_s)
