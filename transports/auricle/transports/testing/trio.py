"""The kit on trio: `check_transport`, and the loop for `check_driver`."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import trio
import trio.testing

from auricle.transports.driver import Signal
from auricle.transports.testing.loop import LONGEST_S, Hang, Loop, Work
from auricle.transports.testing.transport import MakePair, run_checks

SHORTEST_S: Final = 0.001
MOST_TRICKLED: Final = 1000


class _Task:
    def __init__(self, failures: list[Exception]) -> None:
        self._scope = trio.CancelScope()
        self._ended = trio.Event()
        self._failures = failures
        self._failure: Exception | None = None

    @property
    def done(self) -> bool:
        return self._ended.is_set()

    def cancel(self) -> None:
        self._scope.cancel()

    async def join(self) -> None:
        await self._ended.wait()
        if self._failure is not None:
            self._failures.remove(self._failure)
            raise self._failure

    async def run(self, work: Work) -> None:
        try:
            with self._scope:
                await work()
        except Exception as failure:
            self._failure = failure
            self._failures.append(failure)
        finally:
            self._ended.set()


class _Tasks:
    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self.failures: list[Exception] = []

    def start(self, work: Work) -> _Task:
        task = _Task(self.failures)
        self._nursery.start_soon(task.run, work)
        return task


class _BeforeStep(trio.abc.Instrument):
    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._call()


class TrioLoop:
    """See `Loop`."""

    name = "trio"

    def __init__(self) -> None:
        self._clock = trio.testing.MockClock(autojump_threshold=0)

    def run(self, scenario: Work, *, before_step: Callable[[], None] | None = None) -> Any:
        """Run on virtual time. Nurseries leave no task behind."""
        self._clock = trio.testing.MockClock(autojump_threshold=0)

        async def bounded() -> Any:
            async with self.within(LONGEST_S, "the scenario hangs: every task waits for another one"):
                return await scenario()

        instruments = [] if before_step is None else [_BeforeStep(before_step)]
        return trio.run(bounded, clock=self._clock, instruments=instruments)

    def now(self) -> float:
        """Return trio's time."""
        return trio.current_time()

    def jump(self, seconds: float) -> None:
        """Move the virtual clock."""
        self._clock.jump(seconds)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await trio.sleep(seconds)

    async def settle(self) -> None:
        """Wait until all tasks are blocked."""
        await trio.testing.wait_all_tasks_blocked(SHORTEST_S)

    def signal(self) -> Signal:
        """Make an event."""
        return trio.Event()

    def current(self) -> object:
        """Return the running task."""
        return trio.lowlevel.current_task()

    @asynccontextmanager
    async def tasks(self) -> AsyncIterator[_Tasks]:
        """Open a nursery that raises the first failure, not a group."""
        async with trio.open_nursery() as nursery:
            tasks = _Tasks(nursery)
            try:
                yield tasks
            except Exception as failure:
                tasks.failures.append(failure)
            finally:
                nursery.cancel_scope.cancel()
        if tasks.failures:
            raise tasks.failures[0]

    @asynccontextmanager
    async def within(self, seconds: float, rule: str) -> AsyncIterator[None]:
        """Cancel the block after ``seconds`` and raise `Hang` with the rule."""
        with trio.move_on_after(seconds) as scope:
            yield
        if scope.cancelled_caught:
            raise Hang(rule, scope.deadline)


class Trickle(trio.abc.Stream):
    """A byte stream that receives and sends one byte at a time. For the pairs of ``make_trickling``."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Receive one byte."""
        return bytes(await self._stream.receive_some(1))

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send the first `MOST_TRICKLED` bytes one by one, the rest at once."""
        for at in range(len(data[:MOST_TRICKLED])):
            await self._stream.send_all(data[at : at + 1])
        await self._stream.send_all(data[MOST_TRICKLED:])

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the stream takes more."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()


LOOP: Final[Loop] = TrioLoop()


async def check_transport(make: MakePair, make_trickling: MakePair | None = None) -> None:
    """Check every promise of `Wire` on pairs made by ``make``, in both directions. See `run_checks`."""
    await run_checks(LOOP, make, make_trickling)
