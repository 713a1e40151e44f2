"""The server's side of a session on trio: a driver over wires that are open already, and its events."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from auricle.core import Limits
from auricle.core.dialect import Dialect
from auricle.core.messages import Message
from auricle.transports.server import BaseConnection
from auricle.transports.trio.driver import Driver
from auricle.transports.wire import Wire


class Connection(BaseConnection):
    """A session with one client. Made by `serve_wire`.

    Iterate it for the session's events; the last one is always a `SessionClosed`. Call the verbs of `ServerSession`
    through `do` or `post`.
    """

    _new_driver = Driver
    _new_signal = trio.Event

    @staticmethod
    @asynccontextmanager
    async def _hold(wire: Wire) -> AsyncIterator[Wire]:
        try:
            yield wire
        finally:
            with trio.CancelScope(shield=True):
                await wire.abort()


@asynccontextmanager
async def serve_wire(
    wire: Wire,
    *,
    limits: Limits | None = None,
    opened_at: float | None = None,
    dialect: Dialect | None = None,
    opening: tuple[Message, ...] = (),
) -> AsyncIterator[Connection]:
    """Serve a client on an open wire for the length of the block.

    ``dialect`` is the client's, where its handshake shows it, and ``opening`` what the handshake says in that dialect.
    ``opened_at`` is when the wire was opened, on trio's clock; now, if it is not given. Leaving the block before the
    session has closed fails the session (``internal``); either way the block ends only when the closing handshake is
    over or has timed out, and the session can no longer be resumed to learn how it ended. Raises `InternalError`.
    """
    opened_at = trio.current_time() if opened_at is None else opened_at
    connection = Connection(wire, limits, opened_at, dialect=dialect, opening=opening)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection._run, trio.current_time())
        try:
            yield connection
        finally:
            connection._leave()
    connection._driver.raise_failure()
