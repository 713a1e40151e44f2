"""A machine that never was: sessions talk and pause, calls take what was measured, and time is only a number.

Costs are those of Whisper tiny.en, int8, on one core: windows as long as its weights stand, finals with a beam and an
alignment (notes/real-weights.md §3; notes/streaming-whisper.md §0, 8). The same speakers say the same things, whoever
serves them: `Scheduled` is what is tested, `InOrder` what a server does that knows only a queue.
"""

import heapq
import random
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from statistics import median
from typing import Protocol

from scale.talk import ENDPOINT_S, FIRST_S, ONSET_S, PAUSE_S, SPEECH_S, TAIL_S, asked

from auricle.engines.policy.events import Urgency
from auricle.engines.protocol import ENGINE_RATE, Lanes
from auricle.engines.scheduling.jobs import Batch, Job, JobId, bucket_of
from auricle.engines.scheduling.scheduler import (
    finished,
    load,
    opened,
    promote,
    scheduler,
    submit,
    take,
)

BUCKETS_S = (8.0, 13.0, 18.0, 28.0)
"""What fits into windows of 1 000, 1 500, 2 000 and 3 000 frames with 2 s of silence behind it."""
LANES = Lanes(count=1, batch=8, buckets=tuple(round(length * ENGINE_RATE) for length in BUCKETS_S))
ENCODE_MS = (57.0, 105.0, 150.0, 400.0)
"""By bucket."""
ALIGN_MS = 14.0
STEP_MS = {1: 5.4, 2: 5.8, 4: 8.0, 8: 10.8}
"""Of a decoder step for a whole batch, greedily."""
BEAM = 1.35
"""Times as long is a step with a beam of five."""
TOKENS_A_SECOND = 2.6


def measured_s(samples: int, size: int, beam: float = 1.0) -> float:
    """Return the seconds of a call with ``size`` windows, the longest of so many samples."""
    bucket = min(bucket_of(LANES, samples), len(ENCODE_MS) - 1)
    low, high = max(n for n in STEP_MS if n <= size), min(n for n in STEP_MS if n >= size)
    step = STEP_MS[low] + (STEP_MS[high] - STEP_MS[low]) * ((size - low) / (high - low) if high > low else 0.0)
    tokens = 3.0 + TOKENS_A_SECOND * samples / ENGINE_RATE
    return (size * (ENCODE_MS[bucket] + ALIGN_MS) + tokens * step * beam) / 1000.0


class Server(Protocol):
    """What the simulation asks of whoever orders the work."""

    def interval_s(self, now_s: float) -> float | None: ...
    def submit(self, job: Job, now_s: float) -> None: ...
    def promote(self, which: JobId, now_s: float) -> None: ...
    def take(self, now_s: float) -> Batch | None: ...
    def finished(self, batch: Batch, took_s: float, now_s: float) -> None: ...


class Scheduled:
    """Ours."""

    def __init__(self, sessions: int, lanes: Lanes = LANES) -> None:
        self.state = scheduler(lanes, now_s=0.0)
        self.replaced: list[Job] = []
        self.intervals_s: list[tuple[float, float]] = []
        for session in range(sessions):
            self.state = opened(self.state, session, now_s=0.0)

    def interval_s(self, now_s: float) -> float | None:
        return load(self.state, now_s=now_s).interval_s

    def submit(self, job: Job, now_s: float) -> None:
        self.state, dropped = submit(self.state, job, now_s=now_s)
        self.replaced += dropped

    def promote(self, which: JobId, now_s: float) -> None:
        self.state, dropped = promote(self.state, which, now_s=now_s)
        self.replaced += dropped

    def take(self, now_s: float) -> Batch | None:
        self.state, batch = take(self.state, now_s=now_s)
        self._note(now_s)
        return batch

    def finished(self, batch: Batch, took_s: float, now_s: float) -> None:
        self.state = finished(self.state, batch, took_s=took_s, now_s=now_s)
        self._note(now_s)

    def _note(self, now_s: float) -> None:
        interval_s = self.state.pace.interval_s
        if not self.intervals_s or self.intervals_s[-1][1] != interval_s:
            self.intervals_s.append((now_s, interval_s))


class InOrder:
    """First come, first served, one at a time, everything decoded."""

    def __init__(self, sessions: int) -> None:
        self.line: deque[Job] = deque()
        self.busy = False
        self.numbers = count()

    def interval_s(self, now_s: float) -> float | None:
        return 0.5

    def submit(self, job: Job, now_s: float) -> None:
        self.line.append(job)

    def promote(self, which: JobId, now_s: float) -> None:
        pass

    def take(self, now_s: float) -> Batch | None:
        if self.busy or not self.line:
            return None
        self.busy = True
        return Batch(
            number=next(self.numbers),
            jobs=(self.line.popleft(),),
            group=(0, None),
            predicted_s=0.0,
            began_s=now_s,
            budget_s=0.0,
        )

    def finished(self, batch: Batch, took_s: float, now_s: float) -> None:
        self.busy = False


@dataclass
class Report:
    """What came of it. Delays are counted from the end of speech."""

    delays_s: dict[int, list[float]] = field(default_factory=dict)
    """Of finals, by session."""
    spoken: int = 0
    partials: int = 0
    served: dict[Urgency, int] = field(default_factory=lambda: dict.fromkeys(Urgency, 0))
    sizes: list[int] = field(default_factory=list)
    busy_s: float = 0.0

    @property
    def finals_s(self) -> list[float]:
        return sorted(delay for delays in self.delays_s.values() for delay in delays)

    @property
    def p50_s(self) -> float:
        return median(self.finals_s)

    @property
    def p95_s(self) -> float:
        return self.finals_s[int(0.95 * (len(self.finals_s) - 1))]

    @property
    def unfairness(self) -> float:
        """Slowest session by the median one."""
        means = [sum(delays) / len(delays) for delays in self.delays_s.values()]
        return max(means) / median(means)


Action = tuple[str, int, float]
"""What happens, to which session, and when its utterance began."""


class Simulation:
    """Sessions talk for ``speech_s``; then all that is open is said and served."""

    def __init__(
        self,
        server: Server,
        sessions: int,
        *,
        speech_s: float = 60.0,
        seed: int = 1,
        speed: float = 1.0,
        slowness: float = 1.0,
        slow_until_s: float = 0.0,
    ) -> None:
        """Calls take ``speed`` times as long as measured; ``slowness`` times that where they begin before a time."""
        self.server, self.speech_s, self.speed = server, speech_s, speed
        self.slowness, self.slow_until_s = slowness, slow_until_s
        self.random = random.Random(seed)
        self.report = Report()
        self.events: list[tuple[float, int, object]] = []
        self.order = count()
        self.numbers = [0] * sessions
        self.ended_s: dict[JobId, float] = {}
        """When the speech ended that a final is of."""
        self.done: dict[JobId, float] = {}
        self.silent_s = [-1.0] * sessions
        """When each was last silent: what began before is over."""
        self.started_s = 0.0
        for session in range(sessions):
            self._at(self.random.uniform(0.0, SPEECH_S + PAUSE_S), ("begin", session, 0.0))

    def run(self) -> Report:
        while self.events:
            now_s, _, event = heapq.heappop(self.events)
            if isinstance(event, Batch):
                self._returned(event, now_s)
            else:
                self._happens(event, now_s)  # type: ignore[arg-type]
            batch = self.server.take(now_s)
            if batch is not None:
                beam = BEAM if batch.jobs[0].urgency.is_final else 1.0
                took_s = measured_s(max(job.samples for job in batch.jobs), len(batch.jobs), beam) * self.speed
                took_s *= self.slowness if now_s < self.slow_until_s else 1.0
                self.report.busy_s += took_s
                self.report.sizes.append(len(batch.jobs))
                self._at(now_s + took_s, batch)
                self.started_s = now_s
        return self.report

    def _at(self, when_s: float, event: object) -> None:
        heapq.heappush(self.events, (when_s, next(self.order), event))

    def _happens(self, action: Action, now_s: float) -> None:
        what, session, began_s = action
        match what:
            case "begin":
                end_s = now_s + SPEECH_S * self.random.uniform(0.5, 1.5)
                self._at(now_s + FIRST_S, ("first", session, now_s))
                self._at(end_s + ONSET_S, ("onset", session, now_s))
                if end_s < self.speech_s:
                    self._at(end_s + PAUSE_S * self.random.uniform(0.5, 1.5), ("begin", session, 0.0))
            case "first" | "partial":
                if began_s < self.silent_s[session]:
                    return
                self._submit(
                    session, Urgency.FIRST if what == "first" else Urgency.PARTIAL, min(TAIL_S, now_s - began_s), now_s
                )
                interval_s = self.server.interval_s(now_s)
                if interval_s is not None:
                    self._at(now_s + interval_s, ("partial", session, began_s))
            case "onset":
                self.silent_s[session] = now_s
                which = self._submit(session, Urgency.SPECULATIVE, now_s - began_s, now_s)
                self.ended_s[which] = now_s - ONSET_S
                self.report.spoken += 1
                self._at(now_s - ONSET_S + ENDPOINT_S, ("endpoint", session, float(which.number)))
            case "endpoint":
                which = JobId(session, int(began_s))
                if which in self.done:
                    self._heard(which, now_s)
                else:
                    self.server.promote(which, now_s)

    def _submit(self, session: int, urgency: Urgency, length_s: float, now_s: float) -> JobId:
        number = self.numbers[session] = self.numbers[session] + 1
        interval_s = self.server.interval_s(now_s) or 1.0
        job = asked(session, number, urgency, length_s=length_s, interval_s=interval_s, now_s=now_s)
        self.report.partials += urgency > Urgency.SPECULATIVE
        self.server.submit(job, now_s)
        return job.id

    def _returned(self, batch: Batch, now_s: float) -> None:
        self.server.finished(batch, now_s - self.started_s, now_s)
        for job in batch.jobs:
            self.report.served[job.urgency] += 1
            if job.id in self.ended_s:
                self.done[job.id] = now_s
                if now_s >= self.ended_s[job.id] + ENDPOINT_S:
                    self._heard(job.id, now_s)

    def _heard(self, which: JobId, now_s: float) -> None:
        ended_s = self.ended_s.pop(which)
        self.report.delays_s.setdefault(which.session, []).append(now_s - ended_s)
