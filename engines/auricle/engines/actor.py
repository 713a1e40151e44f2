"""The engine actor: one engine, many sessions, and nothing native on the event loop.

::

    async with EngineActor(engine) as actor:        # or: nursery.start_soon(actor.run), and later actor.stop()
        await actor.loaded()                        # raises EngineUnavailable
        session = actor.open(config)
        session.feed(pcm)                           # synchronous, never waits, keeps its order with
        session.flush("f1", at_sample)              # ... and with
        session.finish()
        async for result in session: ...            # ends after StreamDone; raises EngineError if the engine broke
        session.close()                             # at any time, twice too

Sessions take turns: a turn is one control, what came of decodes, or at most half a second of audio, run on a worker
thread. One session is never in two turns at once and goes to the end of the queue after each. What waits is one buffer
of audio a session, bounded by the credit of the protocol. A stateful engine works in these turns; for a window engine
they end in wishes, which the dispatcher sees to, for all sessions together.

Native code cannot be cancelled. When the actor is stopped or cancelled, calls that run get `STOP_GRACE_S` to return;
one that does not is stopped where the engine can do that (its process is ended), or else abandoned with its thread, and
the engine is then left open rather than pulled from under it.
"""

import logging
import os
from types import TracebackType
from typing import Final, Self

import anyio
from anyio.abc import TaskGroup

from auricle.engines.loading import EngineLoader, Loaded, LoadStage, loader_of
from auricle.engines.policy.state import PARTIAL_INTERVAL_S
from auricle.engines.protocol import (
    Engine,
    EngineError,
    EngineInfo,
    EngineUnavailable,
    StoppableEngine,
    StreamConfig,
    WindowEngine,
)
from auricle.engines.scheduling.decode_request import DecodeCommand
from auricle.engines.scheduling.dispatcher import MOST_LANES, Dispatcher
from auricle.engines.scheduling.native_calls import Calls, RunSync, Threads
from auricle.engines.session.engine_session import EngineSession

logger = logging.getLogger(__name__)

STOP_GRACE_S: Final = 5.0
"""How long calls that run may take to return when the actor is stopped."""
STOPPED: Final = "The engine has been stopped."


def default_workers() -> int:
    """Return how many calls may run at once: one for each processor."""
    return max(1, os.cpu_count() or 1)


class EngineActor:
    """Owns one engine. ``source`` is an engine that is to be loaded, or a loader that chooses one.

    ``workers`` calls run at once; ``run_sync`` takes the place of worker threads, for tests on virtual time.
    """

    def __init__(
        self, source: Engine | EngineLoader, *, workers: int | None = None, run_sync: RunSync | None = None
    ) -> None:
        self.stage = LoadStage(stage="Starting")
        """How far loading is. Set from another thread."""
        self._loader = loader_of(source)
        self._workers = default_workers() if workers is None else workers
        self._calls = Calls(run_sync or Threads(self._workers + MOST_LANES + 1))
        self._loaded: Loaded | None = None
        self._dispatcher: Dispatcher | None = None
        self._refusal: str | None = None
        self._settled = anyio.Event()
        self._stop = anyio.Event()
        self._queue, self._turns = anyio.create_memory_object_stream[EngineSession](float("inf"))
        self._sessions: set[EngineSession] = set()
        self._tasks: TaskGroup | None = None

    # ------------------------------------------------------------------------ for whoever starts it

    async def run(self) -> None:
        """Load the engine and serve until `stop`, or until cancelled. Once only."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._load, tasks)
            for _ in range(self._workers):
                tasks.start_soon(self._work)
            try:
                await self._stop.wait()
            finally:
                await self._wind_up()
                tasks.cancel_scope.cancel()

    def stop(self) -> None:
        """End `run`. Sessions that are still open end with an `EngineError`."""
        self._stop.set()

    async def __aenter__(self) -> Self:
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._tasks.start_soon(self.run)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._tasks is not None, "entered before"
        self.stop()
        # The task group is not told of the body's error, or it would wrap it; the interpreter raises it again.
        await self._tasks.__aexit__(None, None, None)

    # ------------------------------------------------------------------------ for everybody

    async def loaded(self) -> EngineInfo:
        """Wait until the engine answers. Raises `EngineUnavailable` when it never will."""
        await self._settled.wait()
        return self.info

    @property
    def info(self) -> EngineInfo:
        """Who answers. Raises `EngineUnavailable` when nobody does, or does yet."""
        return self._answering().engine.info

    @property
    def note(self) -> str | None:
        """Why it is this engine that answers, where that needs saying. Raises as `info`."""
        return self._answering().note

    def open(self, config: StreamConfig) -> EngineSession:
        """Begin a session. Raises `EngineUnavailable` when nobody would answer."""
        session = EngineSession(self._answering().engine, config, self)
        self._sessions.add(session)
        if self._dispatcher is not None:
            self._dispatcher.open(session)
        return session

    @property
    def busy_for_s(self) -> float | None:
        """How long somebody new had better wait, in seconds; None: there is room for one more."""
        load = None if self._dispatcher is None else self._dispatcher.load
        return None if load is None or load.admits else load.retry_after_s

    def _answering(self) -> Loaded:
        if self._refusal is not None:
            raise EngineUnavailable(self._refusal)
        if self._loaded is None:
            raise EngineUnavailable(f"The engine is not ready yet: {self.stage.stage}.")
        return self._loaded

    # ------------------------------------------------------------------------ loading

    async def _load(self, tasks: TaskGroup) -> None:
        try:
            loaded = await self._calls.run(lambda: self._loader(self._progress))
            if isinstance(loaded.engine, WindowEngine):
                self._dispatcher = Dispatcher(loaded.engine, self._calls)
                for _ in range(self._dispatcher.lanes):
                    tasks.start_soon(self._dispatcher.lane)
            self._loaded = loaded
        except EngineError as error:
            self._refusal = str(error)
        except Exception as error:
            logger.exception("The engine could not be loaded")
            self._refusal = f"The engine could not be loaded ({type(error).__name__}: {error})."
        self._settled.set()

    def _progress(self, stage: str, fraction: float | None) -> None:
        self.stage = LoadStage(stage=stage, fraction=fraction)

    # ------------------------------------------------------------------------ for sessions

    def schedule(self, session: EngineSession) -> None:
        """Give ``session`` a turn, soon."""
        if not self._stop.is_set():
            self._queue.send_nowait(session)

    def dispatch(self, session: EngineSession, wish: DecodeCommand) -> None:
        """See to a decode of ``session``."""
        assert self._dispatcher is not None, "only a window engine's sessions have wishes"
        self._dispatcher.dispatch(session, wish)

    @property
    def partial_interval_s(self) -> float | None:
        """How often partials may be decoded now; None: not at all."""
        return PARTIAL_INTERVAL_S if self._dispatcher is None else self._dispatcher.load.interval_s

    # ------------------------------------------------------------------------ turns

    async def _work(self) -> None:
        async for session in self._turns:
            if self._stop.is_set():
                return
            await self._give_turn(session)
            del session  # a worker that waits for its next turn keeps nothing of the last

    async def _give_turn(self, session: EngineSession) -> None:
        """Never raises: a fault of the engine is the end of one session."""
        try:
            session.end_turn(await self._calls.run(session.next_turn()))
        except Exception as error:
            logger.exception("The engine broke a session")
            session.fail(
                str(error) if isinstance(error, EngineError) else f"The engine failed: {type(error).__name__}."
            )
            session.end_turn(())
        if session.over:
            self._sessions.discard(session)
            if self._dispatcher is not None:
                self._dispatcher.close(session)

    # ------------------------------------------------------------------------ the end

    async def _wind_up(self) -> None:
        self._stop.set()
        self._refusal = STOPPED
        self._settled.set()
        for session in self._sessions:
            session.fail(STOPPED)
        engine = None if self._loaded is None else self._loaded.engine
        if not await self._calls.settled(STOP_GRACE_S) and isinstance(engine, StoppableEngine):
            await self._calls.last(engine.stop, STOP_GRACE_S)
            await self._calls.settled(STOP_GRACE_S)
        self._calls.give_up()
        if self._calls.abandoned:
            logger.warning("The engine did not return within %g s and is abandoned", STOP_GRACE_S)
            return
        await self._calls.last(self._release, STOP_GRACE_S)

    def _release(self) -> None:
        """Close what nobody uses any more."""
        try:
            for session in self._sessions:
                session.release()
            if self._loaded is not None:
                self._loaded.engine.close()
        except Exception:
            logger.exception("The engine failed to close")
