"""Checks of WebSocket framing (RFC 6455): fragments are accepted, frames without a mask are refused."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import trio
from wsproto.frame_protocol import FrameProtocol

from auricle.core import Frame
from auricle.transports.testing.conformance.failures import Failed, Gone
from auricle.transports.testing.conformance.probe_client import ProbeClient
from auricle.transports.testing.conformance.server_under_test import ServerUnderTest
from auricle.transports.testing.conformance.stream_checks import accounts_add_up
from auricle.transports.trio.websocket import WebSocketWire
from auricle.transports.wire import WireLost

PIECES: Final = 3


class FragmentingWire(WebSocketWire):
    """Sends every message as several frames, with a ping between each two (§5.4), masked or not."""

    def __init__(self, wire: WebSocketWire, *, masked: bool) -> None:
        super().__init__(wire._connection, wire._stream)
        self._frames = FrameProtocol(client=masked, extensions=[])

    async def send(self, frame: Frame) -> None:
        size = len(frame) // PIECES + 1
        for at in range(0, len(frame), size):
            if at:
                await self._write(self._frames.ping(b"between"))
            await self._write(self._frames.send_data(frame[at : at + size], fin=at + size >= len(frame)))

    async def _write(self, data: bytes | bytearray) -> None:
        try:
            async with self._connection._stream_lock:  # trio-websocket answers pings and Close frames under this lock
                await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise WireLost("reset") from None


@asynccontextmanager
async def connect_fragmenting(server: ServerUnderTest, *, masked: bool) -> AsyncIterator[ProbeClient]:
    async with server.connect() as client:
        client.replace_wire(lambda wire: FragmentingWire(wire, masked=masked))
        yield client


async def takes_messages_in_pieces(server: ServerUnderTest) -> None:
    async with connect_fragmenting(server, masked=True) as client:
        await client.open()
        await client.receive_until("ready")
        await client.audio(server.speech)
        await client.end()
        accounts_add_up(await client.receive_until_closed(), received=server.samples)


async def wants_masks(server: ServerUnderTest) -> None:
    async with connect_fragmenting(server, masked=False) as client:
        await client.open()
        try:
            message = await client.receive()
        except Gone:
            return
        raise Failed(f"§5.1: a frame that is not masked ends the connection, and is not answered ({message['type']})")
