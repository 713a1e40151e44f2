"""Native calls under way: run off the event loop, waited for at the end, and abandoned when they will not return."""

import threading
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

import anyio
import anyio.to_thread

from auricle.engines.protocol import EngineError

T = TypeVar("T")

GIVEN_UP: Final = "The engine did not return."
THREAD_NAME: Final = "auricle-native-call"
"""The name of a thread for as long as it is inside an engine."""


class RunSync(Protocol):
    """Runs a call off the event loop. Cancelled, it may leave the call behind."""

    def __call__(self, call: Callable[[], T], /) -> Awaitable[T]:
        """Return what ``call`` returns, raise what it raises."""


class Threads:
    """Runs calls in worker threads of its own: other users of the event loop's pool never wait for an engine."""

    def __init__(self, threads: int) -> None:
        self._limiter: Final = anyio.CapacityLimiter(threads)

    async def __call__(self, call: Callable[[], T], /) -> T:
        """Return what ``call`` returns. Cancelled, it leaves the thread behind."""
        return await anyio.to_thread.run_sync(_named(call), abandon_on_cancel=True, limiter=self._limiter)


def _named(call: Callable[[], T]) -> Callable[[], T]:
    def named() -> T:
        thread = threading.current_thread()
        before, thread.name = thread.name, THREAD_NAME
        try:
            return call()
        finally:
            thread.name = before

    return named


def is_one_under_way() -> bool:
    """Whether a thread of this process is inside an engine, abandoned ones included."""
    return any(thread.name == THREAD_NAME for thread in threading.enumerate())


class Calls:
    """The calls of one engine. A caller that is cancelled still waits for its call: only `give_up` does not."""

    def __init__(self, run_sync: RunSync) -> None:
        self._run_sync = run_sync
        self._running: set[anyio.CancelScope] = set()
        self._returned = anyio.Event()
        self._given_up = False
        self.abandoned = 0
        """Calls that have been given up, and still run."""

    async def run(self, call: Callable[[], T]) -> T:
        """Return what ``call`` returns, raise what it raises; `EngineError` once calls are given up."""
        if self._given_up:
            raise EngineError(GIVEN_UP)
        scope = anyio.CancelScope(shield=True)
        self._running.add(scope)
        try:
            with scope:
                return await self._run_sync(call)
            raise EngineError(GIVEN_UP)
        finally:
            self._running.discard(scope)
            self._returned.set()

    async def settled(self, within_s: float) -> bool:
        """Wait until every call has returned, but not longer than ``within_s`` seconds; say whether they have."""
        with anyio.move_on_after(within_s, shield=True):
            while self._running:
                self._returned = anyio.Event()
                await self._returned.wait()
        return not self._running

    def give_up(self) -> None:
        """Wait for no call any more: whoever waits for one that runs, or begins another, gets an `EngineError`."""
        self._given_up = True
        self.abandoned += len(self._running)
        for scope in self._running:
            scope.cancel()

    async def last(self, call: Callable[[], object], grace_s: float) -> None:
        """Run one more call, but not longer than ``grace_s`` seconds, whoever has been cancelled."""
        with anyio.move_on_after(grace_s, shield=True):
            await self._run_sync(call)
