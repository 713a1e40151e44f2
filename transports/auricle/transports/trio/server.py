"""The server's end of a session on trio: a driver for a wire that is already open, and its events to iterate."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import trio

from auricle.core import Limits, OpenTransport, ServerEvent, ServerSession, SessionClosed
from auricle.core.events import Event
from auricle.core.session import Outputs
from auricle.transports.trio.driver import Driver
from auricle.transports.wire import Wire


class Connection:
    """One client, connected. Made by `serve_wire`.

    Iterate it for what the client wants; the last event is always a `SessionClosed`. Answer with the verbs of
    `ServerSession` through `do`.
    """

    def __init__(self, wire: Wire, limits: Limits | None) -> None:
        self.session = ServerSession(wire.subprotocol, now=trio.current_time(), limits=limits)
        """The session, to be read; it is changed only through `do` and `post`."""
        self._wire = wire
        self._driver = Driver(self.session, open_wire=self._held, opened=lambda _wire, _now: (), emit=self._emit)
        # Bounded by what the client may send: its credit, or for a legacy client the suspended reading.
        self._events_in, self._events = trio.open_memory_channel[ServerEvent](float("inf"))

    async def do(self, verb: Callable[[float], Outputs]) -> None:
        """Do a verb of the session at the present time. Raises `LocalProtocolError` where it breaks a guarantee."""
        await self._driver.call(verb)

    def post(self, verb: Callable[[float], Outputs]) -> None:
        """Do a verb soon, without waiting for it. For verbs that cannot be refused."""
        self._driver.post(verb)

    def __aiter__(self) -> AsyncIterator[ServerEvent]:
        """Events in order, to be iterated by one task."""
        return self._events.__aiter__()

    def _emit(self, event: Event) -> None:
        self._events_in.send_nowait(cast(ServerEvent, event))
        if isinstance(event, SessionClosed):
            self._events_in.close()

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[Wire]:
        try:
            yield self._wire
        finally:
            with trio.CancelScope(shield=True):
                await self._wire.abort()

    async def _run(self) -> None:
        await self._driver.run((OpenTransport(not_before=trio.current_time()),))


@asynccontextmanager
async def serve_wire(wire: Wire, *, limits: Limits | None = None) -> AsyncIterator[Connection]:
    """Serve a client on an open wire for the length of the block.

    Leaving the block before the session has closed fails the session (``internal``); either way the block ends only
    when the closing handshake is over or has timed out.
    """
    connection = Connection(wire, limits)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection._run)
        try:
            yield connection
        finally:
            connection.post(lambda now: connection.session.fail("internal", "the server left the session", now=now))
