"""One gateway with workers that never were: the real scheduler, people who talk and pause, and time that is a number.

It is the simulation of tests/engines/scheduling with many workers instead of one lane, workers that are lost, and a
gateway that notices it late. Sessions never end: what is looked at is a gateway that is as full as it is.
"""

import heapq
import random
import time
from collections import deque
from dataclasses import dataclass, field, replace
from itertools import count

from auricle.engines.policy.events import Urgency
from auricle.engines.scheduling import scheduler as schedule
from auricle.engines.scheduling.jobs import Batch, JobId
from scale.costs import Costs
from scale.talk import ENDPOINT_S, FIRST_S, ONSET_S, PAUSE_S, SPEECH_S, TAIL_S, asked

NOTICED_S = 2.0
"""Seconds until the gateway knows that a worker is lost: `SILENT_S` of the pool."""
SETTLING_S = 20.0
"""From the beginning, not counted: the scheduler has to learn what calls cost, and everybody begins at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Workers that are lost at a time."""

    at_s: float
    workers: int


@dataclass
class Report:
    """What came of it."""

    finals: list[tuple[float, float]] = field(default_factory=list)
    """Of each: when the speech ended, and how much later it was there."""
    spoken: int = 0
    heard: int = 0
    asked: int = 0
    """Partials …"""
    shown: int = 0
    """… and those that were decoded."""
    redone: int = 0
    """Calls that were made again, for their worker was lost."""
    busy_s: float = 0.0
    worker_s: float = 0.0
    jobs: int = 0
    scheduler_s: float = 0.0
    """Processor seconds of the scheduler itself."""
    admits: bool = True
    """Whether the scheduler would have taken one more session at the end."""

    def delay_s(self, share: float, *, from_s: float = SETTLING_S, until_s: float = float("inf")) -> float:
        """Return a quantile of the delays of finals whose speech ended in a time."""
        delays = sorted(delay for ended_s, delay in self.finals if from_s <= ended_s < until_s)
        return delays[int(share * (len(delays) - 1))]

    @property
    def utilisation(self) -> float:
        """How busy the workers were."""
        return self.busy_s / self.worker_s

    @property
    def us_a_job(self) -> float:
        """Microseconds of the scheduler for each window."""
        return 1e6 * self.scheduler_s / self.jobs


@dataclass(eq=False)
class Worker:
    """One worker; ``is_known`` while the gateway takes it for alive."""

    is_alive: bool = True
    is_known: bool = True
    batch: Batch | None = None


class Simulation:
    """``sessions`` of one gateway with ``workers``, for ``seconds``; each call takes ``overhead_s`` more on its way."""

    def __init__(
        self,
        costs: Costs,
        *,
        workers: int,
        sessions: int,
        factor: float = 1.0,
        overhead_s: float = 0.0,
        seconds: float = 60.0,
        loss: Loss | None = None,
        seed: int = 1,
    ) -> None:
        self._costs, self._factor, self._overhead_s, self._seconds = costs, factor, overhead_s, seconds
        self._random = random.Random(seed)
        self._workers = [Worker() for _ in range(workers)]
        self._loss = loss
        self._redo: deque[Batch] = deque()
        self._events: list[tuple[float, int, tuple[object, ...]]] = []
        self._order = count()
        self._numbers = [0] * sessions
        self._silent_s = [-1.0] * sessions
        self._ended_s: dict[JobId, float] = {}
        self._done: dict[JobId, float] = {}
        self._state = schedule.scheduler(replace(costs.lanes, count=workers), now_s=0.0)
        self.report = Report()
        for session in range(sessions):
            self._state = schedule.opened(self._state, session, now_s=0.0)
            self._at(self._random.uniform(0.0, SPEECH_S + PAUSE_S), "begin", session)

    def run(self) -> Report:
        """Let them talk; then all that is open is said and decoded."""
        if self._loss is not None:
            self._at(self._loss.at_s, "lose", self._loss.workers)
        now_s = 0.0
        while self._events:
            now_s, _, (what, *rest) = heapq.heappop(self._events)
            began_s, owed_s = time.process_time(), self.report.scheduler_s
            getattr(self, f"_on_{what}")(now_s, *rest)
            self._begin(now_s)
            self.report.scheduler_s = owed_s + time.process_time() - began_s
        self.report.worker_s = now_s * len(self._workers)
        self.report.admits = schedule.load(self._state, now_s=now_s).admits
        return self.report

    def _at(self, when_s: float, *event: object) -> None:
        heapq.heappush(self._events, (when_s, next(self._order), event))

    # ------------------------------------------------------------------------ workers

    def _begin(self, now_s: float) -> None:
        """Give work to every worker that is free, as far as the gateway knows."""
        for worker in self._workers:
            if worker.batch is not None or not worker.is_known:
                continue
            if self._redo:
                worker.batch = self._redo.popleft()
            else:
                self._state, worker.batch = schedule.take(self._state, now_s=now_s)
            if worker.batch is None:
                return
            if worker.is_alive:
                took_s = self._call_s(worker.batch)
                self.report.busy_s += took_s
                self._at(now_s + took_s, "returned", worker, worker.batch)

    def _call_s(self, batch: Batch) -> float:
        longest = max(job.samples for job in batch.jobs)
        is_final = batch.jobs[0].urgency.is_final
        return self._factor * self._costs.call_s(longest, len(batch.jobs), is_final=is_final) + self._overhead_s

    def _on_returned(self, now_s: float, worker: Worker, batch: Batch) -> None:
        if not worker.is_alive:
            return
        worker.batch = None
        self._state = schedule.finished(self._state, batch, took_s=now_s - batch.began_s, now_s=now_s)
        for job in batch.jobs:
            self.report.shown += not job.urgency.is_final
            if job.id in self._ended_s:
                self._done[job.id] = now_s
                if now_s >= self._ended_s[job.id] + ENDPOINT_S:
                    self._hear(job.id, now_s)

    def _on_lose(self, now_s: float, workers: int) -> None:
        lost = self._random.sample(self._workers, workers)
        for worker in lost:
            worker.is_alive = False
        self._at(now_s + NOTICED_S, "notice", lost)

    def _on_notice(self, now_s: float, lost: list[Worker]) -> None:
        for worker in lost:
            worker.is_known = False
            if worker.batch is not None:
                self._redo.append(worker.batch)
                self.report.redone += 1
                worker.batch = None
        left = sum(worker.is_known for worker in self._workers)
        self._state = schedule.resized(self._state, left, now_s=now_s)

    # ------------------------------------------------------------------------ people

    def _on_begin(self, now_s: float, session: int) -> None:
        end_s = now_s + SPEECH_S * self._random.uniform(0.5, 1.5)
        self._at(now_s + FIRST_S, "partial", session, now_s, Urgency.FIRST)
        self._at(end_s + ONSET_S, "onset", session, now_s)
        if end_s < self._seconds:
            self._at(end_s + PAUSE_S * self._random.uniform(0.5, 1.5), "begin", session)

    def _on_partial(self, now_s: float, session: int, began_s: float, urgency: Urgency) -> None:
        if began_s < self._silent_s[session]:
            return
        self.report.asked += 1
        self._submit(session, urgency, min(TAIL_S, now_s - began_s), now_s)
        interval_s = schedule.load(self._state, now_s=now_s).interval_s
        self._at(now_s + interval_s, "partial", session, began_s, Urgency.PARTIAL)

    def _on_onset(self, now_s: float, session: int, began_s: float) -> None:
        self._silent_s[session] = now_s
        which = self._submit(session, Urgency.SPECULATIVE, now_s - began_s, now_s)
        self._ended_s[which] = now_s - ONSET_S
        self.report.spoken += 1
        self._at(now_s - ONSET_S + ENDPOINT_S, "endpoint", which)

    def _on_endpoint(self, now_s: float, which: JobId) -> None:
        if which in self._done:
            self._hear(which, now_s)
        else:
            self._state, _ = schedule.promote(self._state, which, now_s=now_s)

    def _submit(self, session: int, urgency: Urgency, length_s: float, now_s: float) -> JobId:
        number = self._numbers[session] = self._numbers[session] + 1
        interval_s = self._state.pace.interval_s
        job = asked(session, number, urgency, length_s=length_s, interval_s=interval_s, now_s=now_s)
        self.report.jobs += 1
        self._state, _ = schedule.submit(self._state, job, now_s=now_s)
        return job.id

    def _hear(self, which: JobId, now_s: float) -> None:
        ended_s = self._ended_s.pop(which)
        del self._done[which]
        self.report.heard += 1
        self.report.finals.append((ended_s, now_s - ended_s))
