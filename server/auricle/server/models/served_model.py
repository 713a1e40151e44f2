"""One model of a server: its actor, the sessions that use it, and whether it answers."""

from contextlib import suppress
from enum import StrEnum
from math import isinf
from pathlib import PurePath
from typing import Final, Protocol

import trio

from auricle.engines.actor import EngineActor
from auricle.engines.loading import EngineLoader
from auricle.engines.protocol import Engine, EngineError, EngineInfo, EngineUnavailable
from auricle.engines.scheduling.observer import CallReturned, TurnTaken
from auricle.server.models.process_memory import resident_bytes
from auricle.server.models.readiness import Readiness

UNNAMED: Final = "default"
"""What a model is called that nobody has named, until it is loaded."""


class ModelState(StrEnum):
    """What becomes of a model."""

    LOADING = "loading"
    SERVING = "serving"
    FAILED = "failed"
    """It could not be loaded."""
    UNLOADING = "unloading"
    """Nobody begins with it any more, and the sessions that have it go on to their ends."""


class ModelObserver(Protocol):
    """Whoever watches the engines of all models. Called on the event loop; must not block, and must not raise."""

    def call_returned(self, model: str, call: CallReturned) -> None:
        """Note a call of a window engine."""

    def turn_taken(self, model: str, turn: TurnTaken) -> None:
        """Note a turn of a session of a stateful engine."""


class ServedModel:
    """A model that is being loaded, or has been. It is the observer of its own engine."""

    def __init__(
        self,
        asked: str | None,
        source: Engine | EngineLoader,
        *,
        observers: tuple[ModelObserver, ...] = (),
        workers: int | None = None,
        tries: bool = True,
    ) -> None:
        """``asked`` is the name that it was asked for by; None: the engine chooses. ``tries``: whether it is tried."""
        self.asked: Final = asked
        self.actor: Final = EngineActor(source, workers=workers, observer=self)
        self.sessions = 0
        """Sessions that use it."""
        self.unloading = False
        self._observers = observers
        self._tries = tries
        self._readiness = Readiness()
        self._failed = trio.Event()
        self._tried = trio.Event()

    @property
    def name(self) -> str:
        """What clients are told that it is called. Where a folder lies on this machine is none of their business."""
        if self.info is not None:
            return self.info.model
        return UNNAMED if self.asked is None else PurePath(self.asked).name

    @property
    def info(self) -> EngineInfo | None:
        """The loaded engine; None before it is loaded, and where that failed."""
        try:
            return self.actor.info
        except EngineUnavailable:
            return None

    def is_called(self, name: str) -> bool:
        """Whether somebody who asks for ``name`` means this model."""
        return name in (self.asked, self.name)

    @property
    def state(self) -> ModelState:
        """What becomes of it just now."""
        if self.unloading:
            return ModelState.UNLOADING
        if self.info is not None:
            return ModelState.SERVING
        return ModelState.LOADING if self.actor.is_loading else ModelState.FAILED

    @property
    def memory_bytes(self) -> int | None:
        """Resident memory of its process; None where it is in this one, or nobody says."""
        process = self.actor.process
        return None if process is None or process.pid is None else resident_bytes(process.pid)

    @property
    def restarts(self) -> int:
        """How often its process had to be replaced."""
        process = self.actor.process
        return 0 if process is None else process.restarts

    def since_decode_s(self, now: float) -> float | None:
        """Return the seconds since something was decoded; None before the first time."""
        at = self._readiness.succeeded_at
        return None if isinf(at) else now - at

    def problem(self, now: float) -> str | None:
        """Return why nobody should be sent here for this model now, in one sentence; None: it answers."""
        try:
            _ = self.actor.info
        except EngineUnavailable as error:
            return str(error)
        trouble = self.actor.trouble
        return trouble.why if trouble is not None else self._readiness.problem(now)

    async def answers(self) -> EngineInfo:
        """Wait until it is loaded and, where it is to be, tried for the first time. Raises `EngineUnavailable`."""
        info = await self.actor.loaded()
        if self._tries:
            await self._tried.wait()
        return info

    async def run(self) -> None:
        """Load the engine and serve until `EngineActor.stop`."""
        async with trio.open_nursery() as nursery:
            if self._tries:
                nursery.start_soon(self._keep_tried)
            await self.actor.run()
            nursery.cancel_scope.cancel()

    # ------------------------------------------------------------------------ what the engine tells

    def call_returned(self, call: CallReturned) -> None:
        """Note a call. Part of `EngineObserver`."""
        self._note(failed=call.failed)
        for observer in self._observers:
            observer.call_returned(self.name, call)

    def turn_taken(self, turn: TurnTaken) -> None:
        """Note a turn. Part of `EngineObserver`."""
        self._note(failed=turn.failed)
        for observer in self._observers:
            observer.turn_taken(self.name, turn)

    def _note(self, *, failed: bool) -> None:
        now = trio.current_time()
        if failed:
            self._readiness.failed(now)
            self._failed.set()
        else:
            self._readiness.decoded(now)

    # ------------------------------------------------------------------------ tries

    async def _keep_tried(self) -> None:
        with suppress(EngineUnavailable):
            await self.actor.loaded()
            while True:
                await self._try()
                self._tried.set()
                await self._next_try()

    async def _try(self) -> None:
        self._readiness.trying(trio.current_time())
        try:
            await self.actor.probe()
        except EngineUnavailable:
            raise
        except EngineError as error:
            failure: str | None = str(error)
        except Exception as error:  # a third party's engine may raise anything
            failure = f"{type(error).__name__}."
        else:
            failure = None
        self._readiness.tried(failure, trio.current_time())

    async def _next_try(self) -> None:
        while (due_at := self._readiness.next_try_at) > trio.current_time():
            self._failed = trio.Event()
            with trio.move_on_at(due_at):
                await self._failed.wait()
