"""What the kit needs of an event loop. `auricle.transports.testing.trio` and `.asyncio` are the two there are.

A driver for another event loop brings a third: nine small methods, one of them virtual time.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol

from auricle.transports.driver import Signal

LONGEST_S: Final = 1e6
"""Virtual seconds after which a scenario counts as hung."""
Work = Callable[[], Awaitable[Any]]


class Task(Protocol):
    """Work that goes on beside the test."""

    @property
    def done(self) -> bool:
        """Whether it has ended, in whatever way."""

    def cancel(self) -> None:
        """Cancel it, in the loop's own way, once."""

    async def join(self) -> None:
        """Wait until it has ended. Raises what it raised; nothing where it was cancelled."""


class Tasks(Protocol):
    """Tasks that do not outlive a block."""

    def start(self, work: Work) -> Task:
        """Start a task. What it raises ends up in `Task.join`, or at the end of the block."""


class Loop(Protocol):
    """An event loop in the hands of the kit."""

    name: str

    def run(self, scenario: Work, *, before_step: Callable[[], None] | None = None) -> Any:
        """Run on virtual time. Raises `AssertionError` for a deadlock and for a task left behind.

        ``before_step`` is called each time that any task is about to go on.
        """

    def now(self) -> float:
        """Return the time in seconds."""

    def jump(self, seconds: float) -> None:
        """Let virtual time pass while nobody may run, as when something blocks the loop."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    async def settle(self) -> None:
        """Let everything that can run now run. Time hardly passes."""

    def signal(self) -> Signal:
        """Make an event."""

    def current(self) -> object:
        """Return what tells the running task from others."""

    def tasks(self) -> AbstractAsyncContextManager[Tasks]:
        """Open a block for tasks; leaving it cancels what still runs, and raises what was raised first, unwrapped."""

    def within(self, seconds: float, rule: str) -> AbstractAsyncContextManager[None]:
        """Cancel the block after so many seconds and raise `AssertionError`, saying the rule."""


def require(condition: object, rule: str) -> None:
    """Raise `AssertionError` with a sentence. Unlike ``assert`` it does not vanish under ``python -O``."""
    if not condition:
        raise AssertionError(rule)


def sentence(error: BaseException, otherwise: str) -> str:
    """Return the rule that an error names, or what it means that it is not an `AssertionError`. Looks into groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) if isinstance(error, AssertionError) else f"{otherwise}: {error!r}"
