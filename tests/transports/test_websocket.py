"""What our WebSocket wires say to a peer whose half of the connection ends without a Close frame."""

import asyncio
import base64
import hashlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trio

import auricle.transports.asyncio.websocket as asyncio_websocket
import auricle.transports.trio.websocket as trio_websocket
from auricle.core import PROTOCOL
from auricle.transports.address import Address
from auricle.transports.wire import WireLost

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MOST_BYTES = 1 << 20


@contextmanager
def half_closing_server() -> Iterator[tuple[Address, list[bytes]]]:
    """A server that accepts one WebSocket, ends its own half at once, and collects what the client still says."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                request = b""
                while b"\r\n\r\n" not in request:
                    request += peer.recv(65_536)
                key = next(
                    line.split(":", 1)[1].strip()
                    for line in request.decode().split("\r\n")
                    if line.lower().startswith("sec-websocket-key:")
                )
                accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
                peer.sendall(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {PROTOCOL}\r\n\r\n".encode()
                )
                peer.shutdown(socket.SHUT_WR)
                try:
                    while data := peer.recv(65_536):
                        heard.append(data)
                except ConnectionResetError:
                    pass

        server = threading.Thread(target=serve)
        server.start()
        try:
            yield Address("127.0.0.1", listener.getsockname()[1], "/", secure=False), heard
        finally:
            server.join()


async def with_trio(address: Address) -> WireLost:
    async with trio_websocket.open_websocket(address, [], None, MOST_BYTES) as wire:
        try:
            raise AssertionError(f"nothing was sent, and {await wire.receive()!r} came")
        except WireLost as lost:
            await wire.abort()
            return lost


async def with_asyncio(address: Address) -> WireLost:
    async with asyncio_websocket.open_websocket(address, [], None, MOST_BYTES) as wire:
        try:
            raise AssertionError(f"nothing was sent, and {await wire.receive()!r} came")
        except WireLost as lost:
            await wire.abort()
            return lost


@pytest.mark.parametrize("world", ["trio", "asyncio"])
def test_a_bare_end_of_the_stream_is_a_reset_and_is_not_answered_with_a_close(world: str) -> None:
    with half_closing_server() as (address, heard):
        lost = trio.run(with_trio, address) if world == "trio" else asyncio.run(with_asyncio(address))
    assert lost.how == "reset"
    assert b"".join(heard) == b""
