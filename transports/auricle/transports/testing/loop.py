"""The event loop interface of the kit, implemented in `auricle.transports.testing.trio` and `.asyncio`.

A driver for another event loop needs an implementation of its own: nine small methods, with virtual time.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol

from auricle.transports.driver import Signal
from auricle.transports.testing.watched_wire import Waits

LONGEST_S: Final = 1e6
"""Virtual seconds after which a scenario counts as hung."""
Work = Callable[[], Awaitable[Any]]


class Task(Protocol):
    """A task that runs beside the test."""

    @property
    def done(self) -> bool:
        """Whether it has ended, by return, exception or cancel."""

    def cancel(self) -> None:
        """Request its cancellation, once, in the loop's own way."""

    async def join(self) -> None:
        """Wait until it has ended. Raises what it raised; nothing where it was cancelled."""


class Tasks(Protocol):
    """Starts tasks that do not outlive a block."""

    def start(self, work: Work) -> Task:
        """Start a task. What it raises ends up in `Task.join`, or at the end of the block."""


class Loop(Protocol):
    """An event loop under the control of the kit."""

    name: str

    def run(self, scenario: Work, *, before_step: Callable[[], None] | None = None) -> Any:
        """Run on virtual time. Raises `AssertionError` for a deadlock and for a task left behind.

        ``before_step`` is called before every step of every task.
        """

    def now(self) -> float:
        """Return the time in seconds."""

    def jump(self, seconds: float) -> None:
        """Advance the virtual time while no task runs, as when something blocks the loop."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    async def settle(self) -> None:
        """Run until every task waits. Time hardly advances."""

    def signal(self) -> Signal:
        """Make an event."""

    def current(self) -> object:
        """Return an object that identifies the running task."""

    def tasks(self) -> AbstractAsyncContextManager[Tasks]:
        """Open a block for tasks; leaving it cancels the rest, and raises the first failure, not in a group."""

    def within(self, seconds: float, rule: str) -> AbstractAsyncContextManager[None]:
        """Cancel the block after ``seconds`` and raise `Hang` with the rule."""


class Hang(AssertionError):
    """A rule that is broken because something was waited for too long: until ``at``, in seconds of the loop."""

    def __init__(self, rule: str, at: float) -> None:
        super().__init__(rule)
        self.at = at


def require(condition: object, rule: str) -> None:
    """Raise `AssertionError` with ``rule`` unless the condition holds, under ``python -O`` too."""
    if not condition:
        raise AssertionError(rule)


def sentence(error: BaseException, otherwise: str) -> str:
    """Return the message of an `AssertionError`, or ``otherwise`` and the error. Unwraps exception groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) if isinstance(error, AssertionError) else f"{otherwise}: {error!r}"


def told(error: BaseException, waits: Sequence[Waits]) -> str:
    """Return what a scenario that failed tells: the rule, and where it waited if it hung."""
    why = sentence(error, "the driver raised")
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, Hang):
        return why
    at = error.at
    stuck = [operation for wait in waits for operation in wait.cut_at(at)]
    return f"{why.removesuffix('.')} (it waits in {' and in '.join(stuck) or 'the driver itself'})"
