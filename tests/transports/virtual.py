"""Virtual time for both worlds: hours pass in milliseconds, and a deadlock is an error, not a wait."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import trio
import trio.testing

Backend = Literal["trio", "asyncio"]
BACKENDS: tuple[Backend, ...] = ("trio", "asyncio")
LONGEST_S = 1e6
"""Virtual seconds after which a scenario counts as hung."""


class _JumpingSelector(selectors.DefaultSelector):
    """Never sleeps: where the loop would wait for time, time moves instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("deadlock: every task waits and no timer is armed")
            self.now += max(0.0, timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio loop on virtual time. For code that neither uses threads nor sockets."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run_virtual(backend: Backend, scenario: Callable[[], Awaitable[Any]]) -> Any:
    """Run a scenario on virtual time; it must end by itself and leave no task behind."""
    if backend == "trio":

        async def bounded_trio() -> Any:
            with trio.fail_after(LONGEST_S):
                return await scenario()

        return trio.run(bounded_trio, clock=trio.testing.MockClock(autojump_threshold=0))

    async def bounded_asyncio() -> Any:
        async with asyncio.timeout(LONGEST_S):
            result = await scenario()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks left behind: {left}"
        return result

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(bounded_asyncio())
