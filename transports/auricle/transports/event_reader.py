"""Reading the events of a session: one task at a time, up to the terminal event."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

from auricle.core import LocalProtocolError, SessionClosed
from auricle.transports.driver import Signal

E = TypeVar("E")


class EventReader(Generic[E]):
    """Iterates over what ``take`` returns, and waits while that is None.

    ``new_signal`` makes an event of the loop. ``wait`` waits for one of them, where more is to be done meanwhile.
    """

    def __init__(
        self,
        take: Callable[[], E | None],
        new_signal: Callable[[], Signal],
        *,
        wait: Callable[[Signal], Awaitable[object]] = lambda signal: signal.wait(),
    ) -> None:
        self._take = take
        self._new_signal = new_signal
        self._wait_for = wait
        self._available = new_signal()
        self._waiting = False
        self._ended = False

    def wake(self) -> None:
        """Wake the task that waits: there is something to take."""
        self._available.set()
        self._available = self._new_signal()

    async def events(self) -> AsyncIterator[E]:
        """Iterate over the events; the last one is the terminal one, and nothing comes after it.

        Raises `LocalProtocolError` where another task waits already: each would get a part of the events.
        """
        while not self._ended:
            event = self._take()
            if event is None:
                await self._wait()
            else:
                self._ended = isinstance(event, SessionClosed)
                yield event

    async def _wait(self) -> None:
        if self._waiting:
            raise LocalProtocolError(
                "Another task reads the events of this session already: read them in one task, and hand them on."
            )
        self._waiting = True
        try:
            await self._wait_for(self._available)
        finally:
            self._waiting = False
