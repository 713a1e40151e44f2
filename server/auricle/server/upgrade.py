"""The life of one WebSocket below the session: handed to its handler, and ended whatever the handler does."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final, cast

import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, wrap_server_stream
from wsproto.utilities import LocalProtocolError as WebSocketProtocolError

from auricle.core import Limits
from auricle.core.errors import ERROR_CODES, NORMAL_CLOSURE
from auricle.server.negotiation import Offer
from auricle.server.problem import Problem
from auricle.server.replay import Replay

RECEIVE_BYTES: Final = 16 * 1024
"""Parsed between two turns of the event loop. An empty fragment is 6 bytes, so this bounds what a client that sends
nothing else costs the others."""
QUEUE: Final = 16
"""Messages trio-websocket may hold for the session, which takes them at once."""
REQUEST_TIMEOUT_S: Final = 5.0
"""For trio-websocket to parse a head we hold already: never reached unless the two disagree about what a head is."""


class Upgrade(WebSocketRequest):
    """A client that asks for a WebSocket: trio-websocket's request with the parts it leaves out."""

    def __init__(self, request: WebSocketRequest, stream: Replay, offer: Offer) -> None:
        super().__init__(request._connection, request._event)
        self.stream = stream
        """The bytes below, for an abort."""
        self.offer = offer
        """What to negotiate about."""
        self.refused = False

    @property
    def peer(self) -> str:
        """Where the client is: ``address:port``; empty where it is nowhere, as in a test."""
        return self.stream.peer

    async def refuse(self, problem: Problem) -> None:
        """Answer with a problem instead of a 101. Raises `ConnectionClosed` when the client has gone."""
        await self.reject(problem.status, extra_headers=problem.headers, body=problem.body)

    async def reject(
        self, status_code: int, *, extra_headers: list[tuple[bytes, bytes]] | None = None, body: bytes | None = None
    ) -> None:
        """Answer with any other response; prefer `refuse`."""
        self.refused = True
        await super().reject(status_code, extra_headers=extra_headers, body=body)

    async def close(self, code: int, reason: str) -> None:
        """Do the closing handshake, unless one end has begun it. Waits for the client's Close frame."""
        await self._connection.aclose(code, reason)


class _ReaderNursery:
    """Where trio-websocket starts its reader task: the nursery of the connection, with a net below the reader."""

    def __init__(self, nursery: trio.Nursery, stream: Replay) -> None:
        self.finished = trio.Event()
        """The reader has seen the end: Close frames exchanged, or the connection broken or closed."""
        self._nursery = nursery
        self._stream = stream

    def start_soon(self, reader: Callable[[], Awaitable[Any]]) -> None:
        self._nursery.start_soon(self._read, reader)

    async def _read(self, reader: Callable[[], Awaitable[Any]]) -> None:
        """Run the reader, again where it dies of answering a ping after our Close frame.

        wsproto refuses to send that pong ("cannot be sent in state LOCAL_CLOSING"), trio-websocket lets the refusal end
        its reader, and with it the closing handshake that keeps the peer's unread finals from being reset. The reader
        keeps its state in the connection and has consumed the ping, so it can be run again.
        """
        while not self._stream.closed:
            try:
                await reader()
            except WebSocketProtocolError:
                await trio.lowlevel.checkpoint()
            else:
                break
        self.finished.set()


OnWebSocket = Callable[[Upgrade], Awaitable[None]]
"""Accepts or refuses, and owns the connection until it returns."""


async def serve_upgrade(stream: Replay, offer: Offer, on_websocket: OnWebSocket, limits: Limits) -> None:
    """Serve a client whose request for a WebSocket is the next thing to be read from `stream`.

    What the handler raises goes on to the caller, after the client was told: 500, or a Close frame with 1011.
    """
    async with trio.open_nursery() as nursery:
        readers = _ReaderNursery(nursery, stream)
        with trio.fail_after(REQUEST_TIMEOUT_S):
            request = await wrap_server_stream(
                cast(trio.Nursery, readers),
                stream,
                message_queue_size=QUEUE,
                max_message_size=limits.max_audio_bytes,
                receive_buffer_size=RECEIVE_BYTES,
            )
        upgrade = Upgrade(request, stream, offer)
        try:
            await on_websocket(upgrade)
            if not stream.answered:
                raise RuntimeError("the handler of a WebSocket neither accepted nor refused it")
        except Exception:
            with trio.move_on_after(limits.close_timeout_s):
                await _finish(upgrade, readers, ERROR_CODES["internal"].close_code, "internal")
            raise
        with trio.move_on_after(limits.close_timeout_s):
            await _finish(upgrade, readers, NORMAL_CLOSURE, "")
        nursery.cancel_scope.cancel()


async def _finish(upgrade: Upgrade, readers: _ReaderNursery, code: int, reason: str) -> None:
    """End the connection in whatever state the handler left it."""
    if not upgrade.stream.answered:
        failed = Problem(status=HTTPStatus.INTERNAL_SERVER_ERROR, code="internal", detail="The server failed.")
        with suppress(ConnectionClosed):
            await upgrade.refuse(failed)
    if not (upgrade.refused or upgrade.stream.broken):
        await upgrade.close(code, reason)
        # A handler that sends is told of the client's Close frame before the reader has answered it.
        await readers.finished.wait()
