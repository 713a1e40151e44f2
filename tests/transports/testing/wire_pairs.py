"""Pairs of real wires over real sockets, for the kit: our client's wires, each with a server's end that can be had."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import trio
from aiohttp import web
from trio_websocket import wrap_server_stream

import auricle.transports.asyncio.websocket as asyncio_websocket
import auricle.transports.trio.websocket as trio_websocket
from auricle.core import PROTOCOL, Frame
from auricle.transports.address import Address
from auricle.transports.wire import Wire, WireLost

MOST_BYTES = 4 * 1024 * 1024


@asynccontextmanager
async def trio_pair(
    wrap: Callable[[trio.abc.Stream], trio.abc.Stream] | None = None,
) -> AsyncIterator[tuple[Wire, Wire]]:
    """trio-websocket to trio-websocket over TCP; ``wrap`` is put around the bytes at the server's end."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    address = Address("127.0.0.1", listener.socket.getsockname()[1], "/", secure=False)
    served_in, served = trio.open_memory_channel[trio_websocket.WebSocketWire](1)

    async with listener, trio.open_nursery() as nursery:

        async def serve() -> None:
            stream: trio.abc.Stream = await listener.accept()
            stream = stream if wrap is None else wrap(stream)
            request = await wrap_server_stream(
                nursery,
                stream,  # type: ignore[arg-type]
                message_queue_size=trio_websocket.MESSAGE_QUEUE_SIZE,
                max_message_size=MOST_BYTES,
            )
            wire = trio_websocket.WebSocketWire(await request.accept(subprotocol=PROTOCOL), stream)
            served_in.send_nowait(wire)

        nursery.start_soon(serve)
        async with trio_websocket.open_websocket(address, [], None, MOST_BYTES) as wire:
            other = await served.receive()
            try:
                yield wire, other
            finally:
                with trio.CancelScope(shield=True):
                    await other.abort()
        nursery.cancel_scope.cancel()


class _Served(web.WebSocketResponse):
    """aiohttp's server side, with what our wire asks of its client side."""

    connection: asyncio.Transport

    @property
    def protocol(self) -> str | None:
        return self.ws_protocol

    @property
    def is_lost(self) -> bool:
        return self.connection.is_closing()


class AiohttpServerWire(asyncio_websocket.WebSocketWire):
    """The same wire, over aiohttp's server side."""

    def __init__(self, websocket: _Served) -> None:
        self._websocket: Any = websocket
        self._closing = asyncio.Event()

    async def receive(self) -> Frame:
        try:
            return await super().receive()
        except WireLost:
            assert self._closing is not None
            self._closing.set()
            raise

    async def close(self, code: int, reason: str) -> None:
        """aiohttp's own close does no handshake on a server where somebody is receiving."""
        assert self._closing is not None
        await self._websocket._writer.close(code, reason.encode())
        await self._closing.wait()

    async def abort(self) -> None:
        self._websocket.connection.abort()


@asynccontextmanager
async def asyncio_pair() -> AsyncIterator[tuple[Wire, Wire]]:
    """aiohttp to aiohttp over TCP."""
    served: asyncio.Queue[Wire] = asyncio.Queue()
    over = asyncio.Event()

    async def serve(request: web.Request) -> web.WebSocketResponse:
        websocket = _Served(protocols=(PROTOCOL,), autoclose=False, max_msg_size=MOST_BYTES, timeout=1e9)
        await websocket.prepare(request)
        assert isinstance(request.transport, asyncio.Transport)
        websocket.connection = request.transport
        served.put_nowait(AiohttpServerWire(websocket))
        await over.wait()
        return websocket

    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = Address("127.0.0.1", runner.addresses[0][1], "/", secure=False)
    try:
        async with asyncio_websocket.open_websocket(address, [], None, MOST_BYTES) as wire:
            yield wire, await served.get()
    finally:
        over.set()
        await runner.cleanup()
