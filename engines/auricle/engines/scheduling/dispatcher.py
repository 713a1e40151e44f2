"""The dispatcher: decode requests of all sessions, given to one window engine in the scheduler's order.

Everything but the engine's calls runs on the event loop. Each of the engine's lanes is a task that takes the next batch
whenever it is free: it never waits for a batch to fill, and what has gathered meanwhile is decoded together. A window
is held for each job that waits or runs, so its memory is bounded by sessions times window.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, assert_never

import anyio
from anyio.abc import TaskGroup

from auricle.engines.failures import call_failure
from auricle.engines.policy.events import Drop, Promote, Urgency
from auricle.engines.protocol import ENGINE_RATE, EngineError, Transcript, Window, WindowEngine
from auricle.engines.scheduling import scheduler as schedule
from auricle.engines.scheduling.decode_request import DecodeClient, DecodeCommand, DecodeRequest, Outcome
from auricle.engines.scheduling.decode_times import DecodeTimes
from auricle.engines.scheduling.jobs import Batch, Job, JobId, deadline_s
from auricle.engines.scheduling.load import Load, QueueLength
from auricle.engines.scheduling.native_calls import Calls
from auricle.engines.scheduling.observer import UNWATCHED, CallReturned, EngineObserver, WindowDecoded
from auricle.engines.scheduling.transcript_checks import checked
from auricle.engines.supervised import BudgetedEngine, CallGivenUp, DistributedEngine, EngineTrouble

logger = logging.getLogger(__name__)

MOST_LANES: Final = 16
"""Calls side by side, however many an engine says it can take."""
MOST_WORKERS: Final = 128
"""The same for an engine whose calls are made on workers of a cluster, and only wait here."""
COUNT_S: Final = 0.25
"""Seconds between two looks at how many lanes there are, where they come and go."""

LOAD_S: Final = 0.05
"""So long a look at the load is good for, while no session comes or goes and no call returns."""
PROBE: Final = object()
"""The owner of a job that is no session's."""
TELL_S: Final = 1.0
"""Least seconds between two reports that the queue has moved, and before the first: nobody waits for one so soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _PendingJob:
    """A job that waits or runs, and the session that asked for it."""

    session: DecodeClient
    request: DecodeRequest
    asked_s: float


class Dispatcher:
    """One engine's. ``calls`` runs what is native off the event loop."""

    def __init__(self, engine: WindowEngine, calls: Calls, observer: EngineObserver = UNWATCHED) -> None:
        self._engine = engine
        self._is_distributed: Final = isinstance(engine, DistributedEngine)
        self._calls = calls
        self._observer = observer
        now_s = anyio.current_time()
        self._schedule = schedule.scheduler(replace(engine.lanes, count=self.lanes), now_s=now_s)
        self._load, self._looked_until_s = schedule.load(self._schedule, now_s=now_s), now_s
        self._engine_s = 0.0
        self._tell_from_s = now_s
        self._numbers: dict[DecodeClient, int] = {}
        """Sessions that are open, and what they are called in the schedule."""
        self._pending: dict[JobId, _PendingJob] = {}
        self._opened = 0
        self._running_lanes = 0
        self._news = anyio.Event()
        self.decode_times = DecodeTimes()

    @property
    def lanes(self) -> int:
        """How many `lane` tasks to run, just now where that changes."""
        return min(MOST_WORKERS if self._is_distributed else MOST_LANES, max(1, self._engine.lanes.count))

    def start(self, tasks: TaskGroup) -> None:
        """Run lanes in ``tasks``, always as many as the engine has."""
        self._start_missing(tasks)
        if self._is_distributed:
            tasks.start_soon(self._follow_lanes, tasks)

    def _start_missing(self, tasks: TaskGroup) -> None:
        while self._running_lanes < self.lanes:
            self._running_lanes += 1
            tasks.start_soon(self._lane_while_wanted)

    async def _follow_lanes(self, tasks: TaskGroup) -> None:
        while True:
            await anyio.sleep(COUNT_S)
            if self.lanes == self._schedule.lanes.count:
                continue
            logger.info("The engine has %d lanes now", self._engine.lanes.count)
            self._schedule = schedule.resized(self._schedule, self.lanes, now_s=anyio.current_time())
            self._look_again()
            self._start_missing(tasks)
            self._wake_lanes()

    @property
    def load(self) -> Load:
        """How busy the engine is, and what follows from that. Every turn of every session asks."""
        self._look()
        return self._load

    def _look(self) -> None:
        now_s = anyio.current_time()
        if now_s < self._looked_until_s:
            return
        self._load, self._looked_until_s = schedule.load(self._schedule, now_s=now_s), now_s + LOAD_S
        budget_s = schedule.longest_budget_s(self._schedule)
        self._engine_s = schedule.engine_s(self._schedule, now_s=now_s) + self._longest_call_s(budget_s)

    @property
    def queue_length(self) -> QueueLength:
        """How much there is to decode just now."""
        jobs = schedule.queued(self._schedule)
        finals = sum(job.urgency is Urgency.FINAL for job in jobs)
        return QueueLength(len(jobs), finals, len(self._schedule.running), self._schedule.lanes.count)

    @property
    def engine_s(self) -> float:
        """Seconds until everybody has a final who may ask for one now, as predicted, and for a call that is wedged."""
        self._look()
        return self._engine_s

    @property
    def trouble(self) -> EngineTrouble | None:
        """A call that takes longer than any should; None: there is none."""
        late_s = schedule.overdue_s(self._schedule, now_s=anyio.current_time())
        if late_s <= 0.0:
            return None
        ends = isinstance(self._engine, BudgetedEngine)
        why = "it is ended and repeated" if ends else f"it should have returned {late_s:.0f} s ago"
        return EngineTrouble(why=f"A call of the engine does not return: {why}.", lasting=not ends)

    def _look_again(self) -> None:
        """Forget the last look: with a session more, or after a call, whoever comes next is to be judged anew."""
        self._looked_until_s = float("-inf")

    def _longest_call_s(self, budget_s: float) -> float:
        return self._engine.longest_call_s(budget_s) if isinstance(self._engine, BudgetedEngine) else budget_s

    def open(self, session: DecodeClient) -> None:
        """A session may have wishes from now on."""
        self._opened += 1
        self._numbers[session] = self._opened
        self._schedule = schedule.opened(self._schedule, self._opened, now_s=anyio.current_time())
        self._look_again()

    async def probe(self, window: Window) -> str | None:
        """Decode a window of nobody's, behind what waits, and return None, or the sentence that says why it failed.

        It goes through the lanes like any other, and counts neither as a session nor among the `decode_times`.
        """
        prober = _Prober()
        self._opened += 1
        self._numbers[prober] = self._opened
        try:
            self.dispatch(prober, DecodeRequest(job=0, urgency=Urgency.PARTIAL, window=window))
            outcome = await prober.outcome()
        finally:
            self.close(prober)
        return outcome if isinstance(outcome, str) else None

    def close(self, session: DecodeClient) -> None:
        """Nobody waits for what the session wished any more. Safe to call twice."""
        number = self._numbers.pop(session, None)
        if number is not None:
            self._schedule, dropped = schedule.closed(self._schedule, number, now_s=anyio.current_time())
            self._forget(dropped)
            self._look_again()

    def dispatch(self, session: DecodeClient, command: DecodeCommand) -> None:
        """See to a decode of a session that is open."""
        which, now_s = JobId(self._numbers[session], command.job), anyio.current_time()
        match command:
            case DecodeRequest():
                self._pending[which] = _PendingJob(session=session, request=command, asked_s=now_s)
                job = self._job(which, command, now_s)
                self._schedule, dropped = schedule.submit(self._schedule, job, now_s=now_s)
            case Promote():
                self._schedule, dropped = schedule.promote(self._schedule, which, now_s=now_s)
            case Drop():
                self._schedule, dropped = schedule.drop(self._schedule, which)
            case _:
                assert_never(command)
        self._forget(dropped)
        self._wake_lanes()

    def _job(self, which: JobId, request: DecodeRequest, now_s: float) -> Job:
        return Job(
            session=which.session,
            number=which.number,
            urgency=request.urgency,
            samples=len(request.window.audio),
            # Finals have a beam; contexts of one length are decoded together: there is none, or about the same.
            key=(request.window.final, bool(request.window.context)),
            released_s=now_s,
            deadline_s=deadline_s(request.urgency, released_s=now_s, interval_s=self.load.interval_s),
        )

    async def lane(self) -> None:
        """Decode for as long as there is somebody to decode for. Never raises."""
        while True:
            await self._serve_next()

    async def _lane_while_wanted(self) -> None:
        """Do the same until there are more such tasks than lanes."""
        while self._running_lanes <= self.lanes:
            await self._serve_next()
        self._running_lanes -= 1

    async def _serve_next(self) -> None:
        """Serve a batch, or wait until there may be one."""
        self._schedule, batch = schedule.take(self._schedule, now_s=anyio.current_time())
        if batch is None:
            await self._news.wait()
        else:
            await self._serve(batch)

    async def _serve(self, batch: Batch) -> None:
        served = [self._pending.pop(job.id) for job in batch.jobs]
        outcomes = await self._decode(served, batch.budget_s)
        now_s = anyio.current_time()
        if any(isinstance(outcome, str) for outcome in outcomes) or all(job.session.owner is PROBE for job in served):
            # A call that was given up would make the next one of its kind wait for longer before it is given up; and
            # what a hummed vowel costs says nothing of speech.
            self._schedule = schedule.failed(self._schedule, batch)
        else:
            self._schedule = schedule.finished(self._schedule, batch, took_s=now_s - batch.began_s, now_s=now_s)
        self._look_again()
        self._report(batch, served, outcomes, now_s)
        self._wake_lanes()
        for job, outcome in zip(served, outcomes, strict=True):
            job.session.take(job.request.job, outcome)

    def _report(self, batch: Batch, served: Sequence[_PendingJob], outcomes: Sequence[Outcome], now_s: float) -> None:
        """Tell those who watch; of a call for a probe alone nobody is told."""
        windows = [
            _decoded(job, pending, outcome, batch.began_s)
            for job, pending, outcome in zip(batch.jobs, served, outcomes, strict=True)
            if pending.session.owner is not PROBE
        ]
        if not windows:
            return
        took_s, final = now_s - batch.began_s, served[0].request.window.final
        call = CallReturned(final=final, took_s=took_s, windows=windows)
        self.decode_times.record(took_s=took_s, windows=len(windows), audio_s=call.audio_s)
        self._observer.call_returned(call)

    async def _decode(self, served: Sequence[_PendingJob], budget_s: float) -> Sequence[Outcome]:
        """Return what came of each job. Where a call fails, each has another chance of its own.

        A partial that failed alone has none: the next one says more.
        """
        self._tell_waiting(served)
        windows = [job.request.window for job in served]
        try:
            return await self._transcripts(windows, budget_s)
        except Exception as error:
            if len(windows) == 1 and (isinstance(error, CallGivenUp) or not windows[0].final):
                return [_sentence(error)]
        outcomes: list[Outcome] = []
        for window in windows:
            self._tell_waiting(served)
            outcomes.append(await self._decode_alone(window, budget_s))
        return outcomes

    async def _decode_alone(self, window: Window, budget_s: float) -> Outcome:
        try:
            (transcript,) = await self._transcripts([window], budget_s)
        except Exception as error:
            return _sentence(error)
        return transcript

    async def _transcripts(self, windows: Sequence[Window], budget_s: float) -> Sequence[Transcript]:
        """Run a call. Raises whatever the engine raises, and `EngineError` for what are no transcripts."""
        return checked(await self._calls.run(lambda: self._call(windows, budget_s)), len(windows))

    def _call(self, windows: Sequence[Window], budget_s: float) -> Sequence[Transcript]:
        """Decode, for a worker thread."""
        if isinstance(self._engine, BudgetedEngine):
            return self._engine.decode_within(windows, budget_s)
        return self._engine.decode(windows)

    def _tell_waiting(self, served: Sequence[_PendingJob]) -> None:
        """A call begins: all whose finals have waited, and those it serves, come nearer to their finals.

        Not those of other calls that run: one that never returns must not be kept alive by what others do.
        """
        now_s = anyio.current_time()
        if now_s < self._tell_from_s:
            return
        self._tell_from_s, engine_s = now_s + TELL_S, self.engine_s
        queued = (self._pending[job.id] for job in schedule.queued(self._schedule) if job.urgency is Urgency.FINAL)
        nearer = {
            job.session for job in (*queued, *served) if job.request.window.final and job.asked_s + TELL_S <= now_s
        }
        for session in nearer:
            session.queue_moved(engine_s)

    def _wake_lanes(self) -> None:
        """Let every lane that waits look again. Each of them waits for the same event, so that none is forgotten."""
        self._news.set()
        self._news = anyio.Event()

    def _forget(self, dropped: Sequence[Job]) -> None:
        for job in dropped:
            self._pending.pop(job.id, None)


class _Prober:
    """A client of the dispatcher that is no session: it wants one window decoded."""

    owner: object = PROBE

    def __init__(self) -> None:
        self._returned = anyio.Event()
        self._outcome: Outcome | None = None

    def queue_moved(self, engine_s: float) -> None:
        """Go on waiting."""

    def take(self, job: int, outcome: Outcome) -> None:
        """Take the outcome."""
        self._outcome = outcome
        self._returned.set()

    async def outcome(self) -> Outcome:
        """Wait for it."""
        await self._returned.wait()
        assert self._outcome is not None
        return self._outcome


def _decoded(job: Job, pending: _PendingJob, outcome: Outcome, began_s: float) -> WindowDecoded:
    return WindowDecoded(
        urgency=job.urgency,
        audio_s=len(pending.request.window.audio) / ENGINE_RATE,
        waited_s=max(0.0, began_s - pending.asked_s),
        tries=0 if isinstance(outcome, str) else outcome.tries,
        believed=not isinstance(outcome, str) and outcome.believed,
        failed=isinstance(outcome, str),
        owner=pending.session.owner,
    )


def _sentence(error: Exception) -> str:
    if isinstance(error, EngineError):
        logger.warning("The engine failed on a window: %s", error)
    else:
        logger.error("The engine failed on a window", exc_info=error)
    return call_failure(error)
