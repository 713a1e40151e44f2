"""The kit on asyncio: `check_transport`, and the loop for `check_driver`."""

import asyncio
import selectors
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Any, Final

from auricle.transports.asyncio.tasks import cancel_and_wait
from auricle.transports.driver import Signal
from auricle.transports.testing.loop import LONGEST_S, Hang, Loop, Work
from auricle.transports.testing.transport import MakePair, run_checks

PASSES: Final = 50
"""Turns of the loop after which every runnable task has run. A loopback socket takes one turn from end to end."""


class _VirtualTimeSelector(selectors.DefaultSelector):
    """A selector on virtual time: where the loop would wait for a timer, it advances the time instead."""

    def __init__(self, early_s: float) -> None:
        super().__init__()
        self.now = 0.0
        self._early_s = early_s

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise AssertionError("the scenario hangs: every task waits for another one, and no timer is armed")
            self.now += max(0.0, timeout - self._early_s)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio loop on virtual time. For code that neither uses threads nor sockets.

    With ``early_s`` timers fire that many seconds too early, as asyncio's may by the resolution of the clock.
    """

    def __init__(self, early_s: float = 0.0) -> None:
        self._selector_ = _VirtualTimeSelector(early_s)
        super().__init__(self._selector_)
        self._clock_resolution = max(2 * early_s, 1e-9)

    def time(self) -> float:
        """Return the virtual time."""
        return self._selector_.now

    def jump(self, seconds: float) -> None:
        """Advance the virtual time while no task runs."""
        self._selector_.now += seconds


class _Stepped(Coroutine[Any, Any, Any]):
    """A coroutine that calls ``before_step`` before each of its steps."""

    def __init__(self, inner: Coroutine[Any, Any, Any], before_step: Callable[[], None]) -> None:
        self._inner = inner
        self._before_step = before_step

    def send(self, value: Any) -> Any:
        self._before_step()
        return self._inner.send(value)

    def throw(
        self,
        typ: Any,
        val: BaseException | object = None,
        tb: TracebackType | None = None,
    ) -> Any:
        self._before_step()
        return self._inner.throw(typ) if val is None and tb is None else self._inner.throw(typ, val, tb)

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._inner.__await__()


class _Task:
    def __init__(self, work: Work, failures: list[Exception]) -> None:
        self._failures = failures
        self._failure: Exception | None = None
        self.native = asyncio.create_task(self._run(work))

    @property
    def done(self) -> bool:
        return self.native.done()

    def cancel(self) -> None:
        self.native.cancel()

    async def join(self) -> None:
        await asyncio.wait([self.native])
        if self._failure is not None:
            self._failures.remove(self._failure)
            raise self._failure

    async def _run(self, work: Work) -> None:
        try:
            await work()
        except Exception as failure:
            self._failure = failure
            self._failures.append(failure)


class _Tasks:
    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self.failures: list[Exception] = []

    def start(self, work: Work) -> _Task:
        task = _Task(work, self.failures)
        self._stack.push_async_callback(cancel_and_wait, task.native)
        return task


class AsyncioLoop:
    """See `Loop`. ``early_s``: see `VirtualLoop`."""

    name = "asyncio"

    def __init__(self, early_s: float = 0.0) -> None:
        self._early_s = early_s

    def run(self, scenario: Work, *, before_step: Callable[[], None] | None = None) -> Any:
        """Run on virtual time."""

        async def bounded() -> Any:
            async with self.within(LONGEST_S, "the scenario hangs: every task waits for another one"):
                result = await scenario()
            left = asyncio.all_tasks() - {asyncio.current_task()}
            if left:
                raise AssertionError(f"tasks are left behind: {', '.join(task.get_name() for task in left)}")
            return result

        with asyncio.Runner(loop_factory=lambda: VirtualLoop(self._early_s)) as runner:
            if before_step is not None:
                runner.get_loop().set_task_factory(
                    lambda loop, work, **options: asyncio.Task(_Stepped(work, before_step), loop=loop, **options)
                )
            return runner.run(bounded())

    def now(self) -> float:
        """Return the loop's time."""
        return asyncio.get_running_loop().time()

    def jump(self, seconds: float) -> None:
        """Move the virtual clock."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop), "only virtual time can jump"
        loop.jump(seconds)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def settle(self) -> None:
        """Run `PASSES` turns of the loop."""
        for _ in range(PASSES):
            await asyncio.sleep(0)

    def signal(self) -> Signal:
        """Make an event."""
        return asyncio.Event()

    def current(self) -> object:
        """Return the running task."""
        return asyncio.current_task()

    @asynccontextmanager
    async def tasks(self) -> AsyncIterator[_Tasks]:
        """Open a block for tasks that raises the first failure."""
        async with AsyncExitStack() as stack:
            tasks = _Tasks(stack)
            try:
                yield tasks
            except Exception as failure:
                tasks.failures.append(failure)
        if tasks.failures:
            raise tasks.failures[0]

    @asynccontextmanager
    async def within(self, seconds: float, rule: str) -> AsyncIterator[None]:
        """Cancel the block after ``seconds`` and raise `Hang` with the rule."""
        try:
            async with asyncio.timeout(seconds) as timer:
                yield
        except TimeoutError:
            if timer.expired():
                raise Hang(rule, (timer.when() or 0.0) - 2 * self._early_s) from None
            raise


LOOP: Final[Loop] = AsyncioLoop()


async def check_transport(make: MakePair, make_trickling: MakePair | None = None) -> None:
    """Check every promise of `Wire` on pairs made by ``make``, in both directions. See `run_checks`."""
    await run_checks(LOOP, make, make_trickling)
