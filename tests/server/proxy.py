"""A TCP proxy that cuts connections on command: what a network does between two ends that are both innocent."""

import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends a reset, and what was not read is wiped."""


class CuttingProxy:
    """Passes bytes on both ways; `cut` resets every connection there is, `refusing` lets no new one through."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.port = 0
        self.refusing = False
        self.made = 0
        """Connections that have been let through."""
        self._pairs: set[tuple[trio.SocketStream, trio.SocketStream]] = set()

    def cut(self) -> int:
        """Reset every connection, on both sides; return how many there were."""
        pairs = len(self._pairs)
        for pair in self._pairs:
            for stream in pair:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                stream.socket.close()
        self._pairs.clear()
        return pairs

    async def serve(self, client: trio.SocketStream) -> None:
        """Pass one client on."""
        if self.refusing:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.socket.close()
            return
        try:
            server = await trio.open_tcp_stream("127.0.0.1", self.target_port)
        except OSError:
            await client.aclose()
            return
        pair = (client, server)
        self._pairs.add(pair)
        self.made += 1
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._pass_on, client, server)
            nursery.start_soon(self._pass_on, server, client)
        self._pairs.discard(pair)
        with trio.CancelScope(shield=True):
            for stream in pair:
                await trio.aclose_forcefully(stream)

    async def _pass_on(self, source: trio.SocketStream, sink: trio.SocketStream) -> None:
        try:
            async for data in source:
                await sink.send_all(data)
            await sink.send_eof()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"ws://127.0.0.1:{self.port}/ws/transcribe"


@asynccontextmanager
async def cutting_proxy(target_url: str) -> AsyncIterator[CuttingProxy]:
    """Run a proxy in front of a server for the length of the block."""
    proxy = CuttingProxy(int(target_url.split(":")[2].split("/")[0]))
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, proxy.serve, 0)
        proxy.port = listeners[0].socket.getsockname()[1]
        yield proxy
        nursery.cancel_scope.cancel()
