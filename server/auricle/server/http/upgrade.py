"""One WebSocket upgrade: the handshake request, the handler that accepts or refuses it, and the closing handshake."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import trio
from trio_websocket import ConnectionClosed, WebSocketRequest
from wsproto import ConnectionType, WSConnection
from wsproto.utilities import LocalProtocolError as WebSocketProtocolError

from auricle.core import Limits
from auricle.core.errors import ERROR_CODES, NORMAL_CLOSURE
from auricle.server.dialects.paths import AUDIO_IN_TEXT, LONGEST_MESSAGES
from auricle.server.http.buffered_stream import BufferedStream
from auricle.server.http.negotiation import Offer
from auricle.server.http.problem_details import SERVER_FAILED, Problem
from auricle.transports.trio.frame_budget import FrameBudget
from auricle.transports.trio.websocket_connection import GuardedConnection

logger = logging.getLogger(__name__)

RECEIVE_BYTES: Final = 16 * 1024
"""Bytes parsed between two turns of the event loop. An empty fragment is 6 bytes, so this bounds how long a client that
sends nothing else delays the others."""
MESSAGE_QUEUE_SIZE: Final = 16
"""Messages that trio-websocket may queue for the session, which takes them at once."""
REQUEST_TIMEOUT_S: Final = 5.0
"""Seconds for trio-websocket to parse a head that is buffered already: reached only if it and h11 disagree about it."""


class Upgrade(WebSocketRequest):
    """A WebSocket upgrade request: trio-websocket's request, with the stream and the offer."""

    def __init__(self, request: WebSocketRequest, stream: BufferedStream, offer: Offer) -> None:
        super().__init__(request._connection, request._event)
        self.stream = stream
        """The underlying byte stream, for an abort."""
        self.offer = offer
        """Path, origin and subprotocols of the request."""
        self.refused = False

    @property
    def offence(self) -> tuple[int, str] | None:
        """Close code and reason, where the connection was ended because of what the client sent."""
        return self._guarded.offence

    async def offence_told(self) -> None:
        """Wait until the Close frame about the `offence` has been sent."""
        await self._guarded.told.wait()

    @property
    def _guarded(self) -> GuardedConnection:
        assert isinstance(self._connection, GuardedConnection), "`serve_upgrade` makes no other"
        return self._connection

    @property
    def peer(self) -> str:
        """Address of the client: ``address:port``; empty where it is unknown, as in a test."""
        return self.stream.peer

    async def refuse(self, problem: Problem) -> None:
        """Respond with a problem instead of 101. Raises `ConnectionClosed` when the connection is gone."""
        await self.reject(problem.status, extra_headers=problem.headers, body=problem.body)

    async def reject(
        self, status_code: int, *, extra_headers: list[tuple[bytes, bytes]] | None = None, body: bytes | None = None
    ) -> None:
        """Respond with another status than 101; prefer `refuse`."""
        self.refused = True
        await super().reject(status_code, extra_headers=extra_headers, body=body)

    async def close(self, code: int, reason: str) -> None:
        """Do the closing handshake, unless either end has begun it. Waits for the client's Close frame."""
        await self._connection.aclose(code, reason)


class _Reader:
    """The task that reads frames, with an event for its end."""

    def __init__(self) -> None:
        self.finished = trio.Event()
        """Set when the reader has ended: Close frames exchanged, or the connection broken or closed."""

    async def run(self, connection: GuardedConnection) -> None:
        """Read until there is no more.

        What comes behind a request that was refused is no WebSocket, and wsproto would have it refused once more, which
        cannot be done. The lingering close discards it.
        """
        try:
            with suppress(WebSocketProtocolError):
                await connection._reader_task()
        finally:
            self.finished.set()


OnWebSocket = Callable[[Upgrade], Awaitable[None]]
"""Handler of an upgrade: accepts or refuses it, and owns the connection until it returns."""


async def serve_upgrade(stream: BufferedStream, offer: Offer, on_websocket: OnWebSocket, limits: Limits) -> None:
    """Serve a client whose WebSocket request is the next thing to be read from `stream`.

    What the handler raises is raised again, after a 500 response or a Close frame with 1011 has been sent.
    """
    async with trio.open_nursery() as nursery:
        reader = _Reader()
        with trio.fail_after(REQUEST_TIMEOUT_S):
            connection = GuardedConnection(
                stream,
                WSConnection(ConnectionType.SERVER),
                message_queue_size=MESSAGE_QUEUE_SIZE,
                max_message_size=LONGEST_MESSAGES.get(offer.path, limits.max_audio_bytes),
                receive_buffer_size=RECEIVE_BYTES,
                budget=FrameBudget(now=trio.current_time()),
                audio_in_text=offer.path in AUDIO_IN_TEXT,
            )
            nursery.start_soon(reader.run, connection)
            request = await connection._get_request()
        upgrade = Upgrade(request, stream, offer)
        try:
            await on_websocket(upgrade)
            if not stream.answered:
                raise RuntimeError("the handler of a WebSocket neither accepted nor refused it")
        except Exception:
            with trio.move_on_after(limits.close_timeout_s):
                await _finish(upgrade, reader, ERROR_CODES["internal"].close_code, "internal")
            raise
        with trio.move_on_after(limits.close_timeout_s):
            await _finish(upgrade, reader, NORMAL_CLOSURE, "")
        nursery.cancel_scope.cancel()
    if upgrade.offence is not None:
        logger.warning("%s: WebSocket closed with %d: %s", stream.peer, *upgrade.offence)


async def _finish(upgrade: Upgrade, reader: _Reader, code: int, reason: str) -> None:
    """End the connection in whatever state the handler left it in: respond 500, or do the closing handshake."""
    if not upgrade.stream.answered:
        with suppress(ConnectionClosed):
            await upgrade.refuse(SERVER_FAILED)
    if not (upgrade.refused or upgrade.stream.broken):
        await upgrade.close(code, reason)
        if upgrade.offence is not None:
            await upgrade.offence_told()
            return  # the reader waits for more, and nothing that comes is of interest
        # A handler that sends gets ConnectionClosed before the reader has answered the client's Close frame.
        await reader.finished.wait()
