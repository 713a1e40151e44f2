"""The server's side of a session over a driver, independent of the event loop."""

from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import cast

from auricle.core import Limits, ServerEvent, ServerSession
from auricle.core.events import Event
from auricle.core.session import Outputs
from auricle.transports.driver import BaseDriver, Signal
from auricle.transports.event_reader import EventReader
from auricle.transports.tracing import traced
from auricle.transports.wire import Wire


class BaseConnection:
    """A session with one client. Made by ``serve_wire``.

    Iterate it for the session's events; the last one is always a `SessionClosed`. Call the verbs of `ServerSession`
    through `do` or `post`.
    """

    _driver: BaseDriver

    def __init__(self, wire: Wire, limits: Limits | None, opened_at: float, new_signal: Callable[[], Signal]) -> None:
        self.session = traced(ServerSession)(wire.subprotocol, now=opened_at, limits=limits)
        """The session, for reading; change it only through `do` and `post`."""
        # Bounded by what the client may send: its credit, or for a legacy client by suspended reading.
        self._events: deque[ServerEvent] = deque()
        self._reader = EventReader[ServerEvent](self._take, new_signal)

    async def do(self, verb: Callable[[float], Outputs]) -> None:
        """Call a verb of the session and wait for it. Raises `LocalProtocolError` where it breaks a guarantee."""
        await self._driver.call(verb)

    def post(self, verb: Callable[[float], Outputs]) -> None:
        """Schedule a verb of the session without waiting for it. For verbs that cannot be refused."""
        self._driver.post(verb)

    def __aiter__(self) -> AsyncIterator[ServerEvent]:
        """Iterate over the events in order; one task at a time, another one gets a `LocalProtocolError`."""
        return self._reader.events()

    def _take(self) -> ServerEvent | None:
        return self._events.popleft() if self._events else None

    def _emit(self, event: Event) -> None:
        self._events.append(cast(ServerEvent, event))
        self._reader.wake()

    def _leave(self) -> None:
        """Fail the session, unless it has ended: its server has left the block."""
        self.post(lambda now: self.session.fail("internal", "the server left the session", now=now))
