"""The engine actor: shares one engine among many sessions, and keeps native calls off the event loop.

::

    async with EngineActor(engine) as actor:        # or: nursery.start_soon(actor.run), and later actor.stop()
        await actor.loaded()                        # raises EngineUnavailable
        session = actor.open(config)
        session.feed(pcm)                           # synchronous; feed, flush and finish keep their order
        session.flush("f1", at_sample)
        session.finish()
        async for result in session: ...            # ends after StreamDone; raises EngineError if the engine failed
        session.close()                             # at any time, also twice

Sessions take turns on worker threads. A turn processes one control, the outcomes of decodes, or at most half a second
of audio. One session is never in two turns at once and goes to the end of the queue after each. Queued audio is one
buffer for each session, bounded by the credit of the protocol. A stateful engine decodes within these turns. For a
window engine a turn returns decode commands, and the dispatcher batches the windows of all sessions.

Native code cannot be cancelled. When the actor is stopped or cancelled, running calls get `STOP_GRACE_S` to return. A
call that does not return is ended by `StoppableEngine.stop` where the engine has it (which ends the engine's process);
otherwise it is abandoned with its thread, and the engine is not closed, because that call still uses it.
"""

import logging
import os
from types import TracebackType
from typing import Final, Self

import anyio
from anyio.abc import TaskGroup

from auricle.engines.failures import STOPPED, call_failure, load_failure
from auricle.engines.loading import EngineLoader, Loaded, LoadStage, loader_of
from auricle.engines.policy.state import PARTIAL_INTERVAL_S
from auricle.engines.probe import probe_utterance, probe_window
from auricle.engines.protocol import (
    Engine,
    EngineError,
    EngineInfo,
    EngineUnavailable,
    StatefulEngine,
    StoppableEngine,
    StreamConfig,
    WindowEngine,
)
from auricle.engines.scheduling.decode_request import DecodeCommand
from auricle.engines.scheduling.decode_times import DecodeSummary
from auricle.engines.scheduling.dispatcher import MOST_WORKERS, TELL_S, Dispatcher
from auricle.engines.scheduling.load import LONGEST_WAIT_S, Load, QueueLength, catches_up_s
from auricle.engines.scheduling.native_calls import Calls, RunSync, Threads
from auricle.engines.scheduling.observer import UNWATCHED, EngineObserver, TurnTaken
from auricle.engines.scheduling.turn_times import TurnTimes, after_turn, queue_s
from auricle.engines.session.engine_session import EngineSession
from auricle.engines.supervised import (
    DistributedEngine,
    EngineProcess,
    EngineTrouble,
    ProcessEngine,
    SupervisedEngine,
    WorkersStatus,
)
from auricle.engines.turn_taking.watch import TurnTaking

logger = logging.getLogger(__name__)

STOP_GRACE_S: Final = 5.0
"""Seconds that running calls may take to return when the actor is stopped."""


def default_workers() -> int:
    """Return the default number of calls that run at once: one for each processor."""
    return max(1, os.cpu_count() or 1)


class EngineActor:
    """Owns one engine. ``source`` is an engine that is not loaded yet, or a loader.

    At most ``workers`` turns run at once. ``run_sync`` replaces the worker threads, for tests on virtual time.
    ``observer`` is told of the engine's calls.
    """

    def __init__(
        self,
        source: Engine | EngineLoader,
        *,
        workers: int | None = None,
        run_sync: RunSync | None = None,
        observer: EngineObserver = UNWATCHED,
    ) -> None:
        self._observer = observer
        self.stage = LoadStage(stage="Starting")
        """The stage of loading. Set from another thread."""
        self._loader = loader_of(source)
        self._workers = default_workers() if workers is None else workers
        self._calls = Calls(run_sync or Threads(self._workers + MOST_WORKERS + 1))
        self._loaded: Loaded | None = None
        self._dispatcher: Dispatcher | None = None
        self._unavailable: str | None = None
        """Why there is no engine, in one sentence."""
        self._load_ended = anyio.Event()
        self._stop = anyio.Event()
        self._queue, self._turns = anyio.create_memory_object_stream[EngineSession](float("inf"))
        self._sessions: set[EngineSession] = set()
        self._tasks: TaskGroup | None = None
        self._tell_from_s = float("-inf")
        self._turn_times = TurnTimes()

    # ------------------------------------------------------------------------ for the owner

    async def run(self) -> None:
        """Load the engine and run the sessions' turns until `stop`, or until cancelled. May be called only once."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._load, tasks)
            for _ in range(self._workers):
                tasks.start_soon(self._worker)
            try:
                await self._stop.wait()
            finally:
                await self._shut_down()
                tasks.cancel_scope.cancel()

    def stop(self) -> None:
        """Make `run` return. Open sessions end with an `EngineError`."""
        self._stop.set()

    async def __aenter__(self) -> Self:
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._tasks.start_soon(self.run)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._tasks is not None, "__aenter__ has run"
        self.stop()
        # The task group would wrap the body's exception in a group; the interpreter raises it again by itself.
        await self._tasks.__aexit__(None, None, None)

    # ------------------------------------------------------------------------ for users

    async def loaded(self) -> EngineInfo:
        """Wait until the engine is loaded, and describe it. Raises `EngineUnavailable` when it cannot be loaded."""
        await self._load_ended.wait()
        return self.info

    @property
    def is_loading(self) -> bool:
        """Whether the engine is still being loaded."""
        return not self._load_ended.is_set()

    @property
    def info(self) -> EngineInfo:
        """The loaded engine's description. Raises `EngineUnavailable` when it is not loaded (yet), or stopped."""
        return self._require_loaded().engine.info

    @property
    def note(self) -> str | None:
        """Why another engine than the default was loaded, in one line; None otherwise. Raises as `info`."""
        return self._require_loaded().note

    def open(self, config: StreamConfig, owner: object | None = None, turns: TurnTaking | None = None) -> EngineSession:
        """Open a session. ``owner`` is whoever opens it, for the observer; ``turns`` is by what it tells that a turn is
        over, None: it does not.

        Raises `EngineUnavailable` when the engine is not loaded (yet), or stopped.
        """
        session = EngineSession(self._require_loaded().engine, config, self, owner, turns)
        self._sessions.add(session)
        if self._dispatcher is not None:
            self._dispatcher.open(session)
        return session

    async def probe(self) -> None:
        """Have a built-in clip decoded, behind whatever waits. Raises `EngineError` where nothing comes of it.

        It is no session, and no observer is told of it. A wedged engine keeps it waiting.
        """
        engine = self._require_loaded().engine
        if self._dispatcher is not None:
            failure = await self._dispatcher.probe(await self._calls.run(probe_window))
            if failure is not None:
                raise EngineError(failure)
        elif isinstance(engine, StatefulEngine):
            stateful: StatefulEngine = engine
            await self._calls.run(lambda: probe_utterance(stateful))

    @property
    def busy_for_s(self) -> float | None:
        """Seconds after which a new session should be tried again; None while the engine has capacity for one more."""
        load = self.load
        if load is not None:
            return None if load.admits else load.retry_after_s
        return None if self.engine_s <= LONGEST_WAIT_S else catches_up_s(self.engine_s)

    @property
    def load(self) -> Load | None:
        """How busy the engine's lanes are; None for a stateful engine, which has none, and before one is loaded."""
        return None if self._dispatcher is None else self._dispatcher.load

    @property
    def decodes(self) -> DecodeSummary | None:
        """How long the engine's latest calls took; None where there were none, as with a stateful engine."""
        return None if self._dispatcher is None else self._dispatcher.decode_times.summary()

    @property
    def queue_length(self) -> QueueLength | None:
        """How much there is to decode just now; None for a stateful engine, and before one is loaded."""
        return None if self._dispatcher is None else self._dispatcher.queue_length

    @property
    def workers(self) -> WorkersStatus | None:
        """What the workers of a cluster do on which the engine runs; None where it runs on none, or is not loaded."""
        engine = None if self._loaded is None else self._loaded.engine
        return engine.workers if isinstance(engine, DistributedEngine) else None

    @property
    def engine_s(self) -> float:
        """Seconds that the engine may need, for others and for one call, until a final is there that is asked for now.

        Of an engine that takes audio as it comes it is what all audio that waits for its turn will take.
        """
        if self._dispatcher is not None:
            return self._dispatcher.engine_s
        waiting_s = sum(session.backlog_s for session in self._sessions)
        return queue_s(self._turn_times, waiting_s=waiting_s, workers=self._workers)

    @property
    def process(self) -> EngineProcess | None:
        """The process that the engine runs in; None where that is this one, and before it is loaded."""
        engine = None if self._loaded is None else self._loaded.engine
        return engine.process if isinstance(engine, ProcessEngine) else None

    @property
    def trouble(self) -> EngineTrouble | None:
        """What keeps the loaded engine from answering as it should; None: nothing, or it is not loaded (yet)."""
        engine = None if self._loaded is None else self._loaded.engine
        if isinstance(engine, SupervisedEngine) and (trouble := engine.trouble) is not None:
            return trouble
        return None if self._dispatcher is None else self._dispatcher.trouble

    def _require_loaded(self) -> Loaded:
        if self._unavailable is not None:
            raise EngineUnavailable(self._unavailable)
        if self._loaded is None:
            raise EngineUnavailable(f"The engine is not ready yet: {self.stage.stage}.")
        return self._loaded

    # ------------------------------------------------------------------------ loading

    async def _load(self, tasks: TaskGroup) -> None:
        try:
            loaded = await self._calls.run(lambda: self._loader(self._progress))
            if isinstance(loaded.engine, WindowEngine):
                self._dispatcher = Dispatcher(loaded.engine, self._calls, self._observer)
                self._dispatcher.start(tasks)
            self._loaded = loaded
        except Exception as error:
            if not isinstance(error, EngineError):
                logger.exception("The engine could not be loaded")
            self._unavailable = load_failure(error)
        self._load_ended.set()

    def _progress(self, stage: str, fraction: float | None) -> None:
        self.stage = LoadStage(stage=stage, fraction=fraction)

    # ------------------------------------------------------------------------ for sessions

    def schedule(self, session: EngineSession) -> None:
        """Put ``session`` at the end of the queue for turns. Part of `Host`."""
        if not self._stop.is_set():
            self._queue.send_nowait(session)

    def dispatch(self, session: EngineSession, command: DecodeCommand) -> None:
        """Pass a decode command of ``session`` to the dispatcher. Part of `Host`."""
        assert self._dispatcher is not None, "only sessions of a window engine send decode commands"
        self._dispatcher.dispatch(session, command)

    @property
    def partial_interval_s(self) -> float | None:
        """Seconds of speech between two partials under the present load; None: no partials. Part of `Host`."""
        return PARTIAL_INTERVAL_S if self._dispatcher is None else self._dispatcher.load.interval_s

    # ------------------------------------------------------------------------ turns

    async def _worker(self) -> None:
        async for session in self._turns:
            if self._stop.is_set():
                return
            await self._run_turn(session)
            del session  # an idle worker must not keep a session alive

    async def _run_turn(self, session: EngineSession) -> None:
        """Run one turn of ``session``. Never raises: an exception of the engine ends this session only."""
        self._tell_waiting()
        began_s, waited_s = anyio.current_time(), session.backlog_s
        since_s = session.waits_since_s
        turn = session.next_turn()
        audio_s = waited_s - session.backlog_s
        failed = False
        try:
            session.end_turn(await self._calls.run(turn))
        except Exception as error:
            failed = True
            logger.exception("The engine failed a session")
            session.fail(call_failure(error))
            session.end_turn(())
        took_s = anyio.current_time() - began_s
        self._turn_times = after_turn(self._turn_times, took_s=took_s, audio_s=audio_s)
        if audio_s > 0.0 and self._dispatcher is None:
            queued_s = 0.0 if since_s is None else began_s - since_s
            self._observer.turn_taken(
                TurnTaken(took_s=took_s, audio_s=audio_s, waited_s=queued_s, failed=failed, owner=session.owner)
            )
        if session.over:
            self._sessions.discard(session)
            if self._dispatcher is not None:
                self._dispatcher.close(session)

    def _tell_waiting(self) -> None:
        """A turn begins: whoever has waited for one of an engine that decodes in its turns comes nearer to it.

        A session in a turn is not told: one that never returns must not be kept alive by what others do. Of a window
        engine it is the dispatcher that tells.
        """
        now_s = anyio.current_time()
        if self._dispatcher is not None or now_s < self._tell_from_s:
            return
        self._tell_from_s = now_s + TELL_S
        for session in self._sessions:
            if session.waits_since_s is not None and now_s - session.waits_since_s >= TELL_S:
                session.queue_moved(self.engine_s)

    # ------------------------------------------------------------------------ the end

    async def _shut_down(self) -> None:
        self._stop.set()
        self._unavailable = STOPPED
        self._load_ended.set()
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
        """Close the sessions and the engine. For a worker thread."""
        try:
            for session in self._sessions:
                session.release()
            if self._loaded is not None:
                self._loaded.engine.close()
        except Exception:
            logger.exception("The engine failed to close")
