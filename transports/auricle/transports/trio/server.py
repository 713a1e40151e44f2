"""The server's side of a session on trio: a driver over wires that are open already, and its events."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import cast

import trio

from auricle.core import Limits, OpenTransport, ServerEvent, ServerSession, SessionClosed
from auricle.core.events import Event
from auricle.core.messages import Resume
from auricle.core.session import Outputs
from auricle.transports.tracing import traced
from auricle.transports.trio.driver import Driver
from auricle.transports.wire import Wire


class Connection:
    """A session with one client. Made by `serve_wire`.

    Iterate it for the session's events; the last one is always a `SessionClosed`. Call the verbs of `ServerSession`
    through `do` or `post`.
    """

    def __init__(self, wire: Wire, limits: Limits | None, opened_at: float) -> None:
        self.session = traced(ServerSession)(wire.subprotocol, now=opened_at, limits=limits)
        """The session, for reading; change it only through `do` and `post`."""
        self._driver = Driver(
            self.session, open_wire=partial(_held, wire), opened=lambda _wire, _now: (), emit=self._emit
        )
        # Bounded by what the client may send: its credit, or for a legacy client by suspended reading.
        self._events_in, self._events = trio.open_memory_channel[ServerEvent](float("inf"))

    async def do(self, verb: Callable[[float], Outputs]) -> None:
        """Call a verb of the session and wait for it. Raises `LocalProtocolError` where it breaks a guarantee."""
        await self._driver.call(verb)

    def post(self, verb: Callable[[float], Outputs]) -> None:
        """Schedule a verb of the session without waiting for it. For verbs that cannot be refused."""
        self._driver.post(verb)

    async def adopt(self, wire: Wire, resume: Resume, fresh_token: str) -> None:
        """Resume the session on another wire of the same client, and return when the session is done with it.

        Raises `LocalProtocolError` where ``resume`` does not fit the session; the caller then still owns the wire.
        """
        await self._driver.adopt(
            partial(_held, wire), lambda now: self.session.attach(resume, fresh_token=fresh_token, now=now)
        )

    def __aiter__(self) -> AsyncIterator[ServerEvent]:
        """Iterate over the events in order; one task only."""
        return self._events.__aiter__()

    def _emit(self, event: Event) -> None:
        self._events_in.send_nowait(cast(ServerEvent, event))
        if isinstance(event, SessionClosed):
            self._events_in.close()

    async def _run(self) -> None:
        await self._driver.run((OpenTransport(not_before=trio.current_time()),))


@asynccontextmanager
async def _held(wire: Wire) -> AsyncIterator[Wire]:
    try:
        yield wire
    finally:
        with trio.CancelScope(shield=True):
            await wire.abort()


@asynccontextmanager
async def serve_wire(
    wire: Wire, *, limits: Limits | None = None, opened_at: float | None = None
) -> AsyncIterator[Connection]:
    """Serve a client on an open wire for the length of the block.

    ``opened_at`` is when the wire was opened, on trio's clock; now, if it is not given. Leaving the block before the
    session has closed fails the session (``internal``); either way the block ends only when the closing handshake is
    over or has timed out, and the session can no longer be resumed to learn how it ended.
    """
    connection = Connection(wire, limits, trio.current_time() if opened_at is None else opened_at)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection._run)
        try:
            yield connection
        finally:
            connection.post(lambda now: connection.session.fail("internal", "the server left the session", now=now))
