"""The dispatcher: decode requests of all sessions, given to one window engine in the scheduler's order.

Everything but the engine's calls runs on the event loop. Each of the engine's lanes is a task that takes the next batch
whenever it is free: it never waits for a batch to fill, and what has gathered meanwhile is decoded together. A window
is held for each job that waits or runs, so its memory is bounded by sessions times window.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

import anyio

from auricle.engines.policy.events import Drop, Promote
from auricle.engines.protocol import ENGINE_RATE, EngineError, Transcript, Window, WindowEngine
from auricle.engines.scheduling import scheduler as schedule
from auricle.engines.scheduling.decode_request import DecodeClient, DecodeCommand, DecodeRequest, Outcome
from auricle.engines.scheduling.decode_times import DecodeTimes
from auricle.engines.scheduling.jobs import Batch, Job, JobId, deadline_s
from auricle.engines.scheduling.load import Load
from auricle.engines.scheduling.native_calls import Calls

logger = logging.getLogger(__name__)

MOST_LANES: Final = 16
"""Calls side by side, however many an engine says it can take."""

LOAD_S: Final = 0.05
"""So long a look at the load is good for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _PendingJob:
    """A job that waits or runs, and the session that asked for it."""

    session: DecodeClient
    request: DecodeRequest


class Dispatcher:
    """One engine's. ``calls`` runs what is native off the event loop."""

    def __init__(self, engine: WindowEngine, calls: Calls) -> None:
        self._engine = engine
        self._calls = calls
        now_s = anyio.current_time()
        self._schedule = schedule.scheduler(engine.lanes, now_s=now_s)
        self._load, self._load_until_s = schedule.load(self._schedule, now_s=now_s), now_s
        self._numbers: dict[DecodeClient, int] = {}
        """Sessions that are open, and what they are called in the schedule."""
        self._pending: dict[JobId, _PendingJob] = {}
        self._opened = 0
        self._news = anyio.Event()
        self.decode_times = DecodeTimes()

    @property
    def lanes(self) -> int:
        """How many `lane` tasks to run."""
        return min(MOST_LANES, max(1, self._engine.lanes.count))

    @property
    def load(self) -> Load:
        """How busy the engine is, and what follows from that. Every turn of every session asks."""
        now_s = anyio.current_time()
        if now_s >= self._load_until_s:
            self._load, self._load_until_s = schedule.load(self._schedule, now_s=now_s), now_s + LOAD_S
        return self._load

    def open(self, session: DecodeClient) -> None:
        """A session may have wishes from now on."""
        self._opened += 1
        self._numbers[session] = self._opened
        self._schedule = schedule.opened(self._schedule, self._opened, now_s=anyio.current_time())

    def close(self, session: DecodeClient) -> None:
        """Nobody waits for what the session wished any more. Safe to call twice."""
        number = self._numbers.pop(session, None)
        if number is not None:
            self._schedule, dropped = schedule.closed(self._schedule, number, now_s=anyio.current_time())
            self._forget(dropped)

    def dispatch(self, session: DecodeClient, command: DecodeCommand) -> None:
        """See to a decode of a session that is open."""
        which, now_s = JobId(self._numbers[session], command.job), anyio.current_time()
        match command:
            case DecodeRequest():
                self._pending[which] = _PendingJob(session=session, request=command)
                job = self._job(which, command, now_s)
                self._schedule, dropped = schedule.submit(self._schedule, job, now_s=now_s)
            case Promote():
                self._schedule, dropped = schedule.promote(self._schedule, which, now_s=now_s)
            case Drop():
                self._schedule, dropped = schedule.drop(self._schedule, which)
            case _:
                assert_never(command)
        self._forget(dropped)
        self._news.set()

    def _job(self, which: JobId, request: DecodeRequest, now_s: float) -> Job:
        return Job(
            session=which.session,
            number=which.number,
            urgency=request.urgency,
            samples=len(request.window.audio),
            # Contexts of one length are decoded together: there is none, or about the same.
            key=bool(request.window.context),
            released_s=now_s,
            deadline_s=deadline_s(request.urgency, released_s=now_s, interval_s=self.load.interval_s),
        )

    async def lane(self) -> None:
        """Decode for as long as there is somebody to decode for. Never raises."""
        while True:
            self._schedule, batch = schedule.take(self._schedule, now_s=anyio.current_time())
            if batch is None:
                self._news = anyio.Event()
                await self._news.wait()
                continue
            await self._serve(batch)

    async def _serve(self, batch: Batch) -> None:
        pending = [self._pending.pop(job.id) for job in batch.jobs]
        began_s = anyio.current_time()
        outcomes = await self._decode([job.request.window for job in pending])
        now_s = anyio.current_time()
        self._schedule = schedule.finished(self._schedule, batch, took_s=now_s - began_s, now_s=now_s)
        audio_s = sum(len(job.request.window.audio) for job in pending) / ENGINE_RATE
        self.decode_times.record(took_s=now_s - began_s, windows=len(pending), audio_s=audio_s)
        self._news.set()
        for job, outcome in zip(pending, outcomes, strict=True):
            job.session.take(job.request.job, outcome)

    async def _decode(self, windows: Sequence[Window]) -> Sequence[Outcome]:
        """Return what came of each; where all together fail, each has another chance of its own."""
        try:
            transcripts = await self._calls.run(lambda: self._engine.decode(windows))
        except Exception as error:
            if len(windows) > 1:
                return [outcome for window in windows for outcome in await self._decode([window])]
            return [_sentence(error)]
        return _checked(transcripts, len(windows))

    def _forget(self, dropped: Sequence[Job]) -> None:
        for job in dropped:
            self._pending.pop(job.id, None)


def _checked(transcripts: Sequence[Transcript], windows: int) -> Sequence[Outcome]:
    if len(transcripts) == windows:
        return transcripts
    logger.error("The engine returned %d transcripts for %d windows", len(transcripts), windows)
    return ["The engine returned too few or too many transcripts."] * windows


def _sentence(error: Exception) -> str:
    if isinstance(error, EngineError):
        logger.warning("The engine failed on a window: %s", error)
        return str(error)
    logger.error("The engine failed on a window", exc_info=error)
    return f"The engine failed: {type(error).__name__}."
