"""The life of one WebSocket below the session: handed to its handler, and ended whatever the handler does."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, cast

import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, wrap_server_stream
from wsproto.utilities import LocalProtocolError as WebSocketProtocolError

from auricle.core import Limits
from auricle.server.negotiation import Offer
from auricle.server.problem import Problem
from auricle.server.replay import Replay

RECEIVE_BYTES: Final = 16 * 1024
"""Parsed between two turns of the event loop. Empty fragments take 6 bytes each, so this bounds what a client that sends
nothing else costs the others."""
QUEUE: Final = 16
"""Messages trio-websocket may hold for the session, which takes them at once."""
REQUEST_TIMEOUT_S: Final = 5.0
"""For trio-websocket to parse a head we hold already: never reached unless the two disagree about what a head is."""
INTERNAL: Final = 1011


class Upgrade(WebSocketRequest):
    """A client that asks for a WebSocket: trio-websocket's request with the parts it leaves out."""

    def __init__(self, request: WebSocketRequest, stream: Replay, offer: Offer) -> None:
        super().__init__(request._connection, request._event)
        self.stream = stream
        """The bytes below, for an abort."""
        self.offer = offer
        """What to negotiate about."""

    @property
    def peer(self) -> str:
        """Where the client is: ``address:port``; empty where it is nowhere, as in a test."""
        return self.stream.peer

    async def refuse(self, problem: Problem) -> None:
        """Answer with a problem instead of a 101. Raises `ConnectionClosed` when the client has gone."""
        await self.reject(problem.status, extra_headers=problem.headers, body=problem.body)

    async def end(self, code: int, reason: str, *, timeout_s: float) -> None:
        """Do the closing handshake, if there is anything left to close."""
        with trio.move_on_after(timeout_s):
            await self._connection.aclose(code, reason)


OnWebSocket = Callable[[Upgrade], Awaitable[None]]
"""Accepts or refuses, and owns the connection until it returns."""


async def serve_upgrade(stream: Replay, offer: Offer, on_websocket: OnWebSocket, limits: Limits) -> None:
    """Serve a client whose request for a WebSocket is the next thing to be read from `stream`.

    What the handler raises goes on to the caller, after the client was told: 500, or a Close frame with 1011.
    """
    async with trio.open_nursery() as nursery:
        with trio.fail_after(REQUEST_TIMEOUT_S):
            request = await wrap_server_stream(
                cast(trio.Nursery, _ReaderNursery(nursery, stream)),
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
            await _tell_failure(upgrade, limits)
            raise
        await upgrade.end(1000, "", timeout_s=limits.close_timeout_s)
        nursery.cancel_scope.cancel()


async def _tell_failure(upgrade: Upgrade, limits: Limits) -> None:
    try:
        if not upgrade.stream.answered:
            await upgrade.refuse(
                Problem(status=HTTPStatus.INTERNAL_SERVER_ERROR, code="internal", detail="The server failed.")
            )
    except ConnectionClosed:
        return
    await upgrade.end(INTERNAL, "internal", timeout_s=limits.close_timeout_s)


class _ReaderNursery:
    """Where trio-websocket starts its reader task: the nursery of the connection, with a net below the reader."""

    def __init__(self, nursery: trio.Nursery, stream: Replay) -> None:
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
                return
