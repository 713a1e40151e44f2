"""What our WebSocket wires make of a peer that ends its half without a Close frame, or says what is no frame."""

import asyncio
import base64
import hashlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import trio

import auricle.transports.asyncio.websocket as asyncio_websocket
import auricle.transports.trio.websocket as trio_websocket
from auricle.core import PROTOCOL
from auricle.transports.address import Address
from auricle.transports.wire import Wire, WireLost
from transports.testing.wire_pairs import trio_pair

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MOST_BYTES = 1 << 20
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends a reset."""
RESERVED = b"\xff\x00"
"""A frame of no bytes with every reserved bit, and an opcode that there is not."""
LONGER = b"\x82\x7f" + (MOST_BYTES + 1).to_bytes(8, "big")
"""The header of a frame that is longer than the client takes."""


@contextmanager
def raw_server(says: bytes = b"", then: str = "ends its half") -> Iterator[tuple[Address, list[bytes]]]:
    """A server that accepts one WebSocket, says this, ends its half or is silent, and collects what the client says."""
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
                peer.sendall(says)
                if then == "ends its half":
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


def run(world: str, address: Address) -> WireLost:
    return trio.run(with_trio, address) if world == "trio" else asyncio.run(with_asyncio(address))


@pytest.mark.parametrize("world", ["trio", "asyncio"])
def test_a_bare_end_of_the_stream_is_a_reset_and_is_not_answered_with_a_close(world: str) -> None:
    with raw_server() as (address, heard):
        lost = run(world, address)
    assert lost.how == "reset"
    assert b"".join(heard) == b""


@pytest.mark.parametrize("world", ["trio", "asyncio"])
@pytest.mark.parametrize("says", [RESERVED, LONGER], ids=["reserved", "too long"])
def test_what_is_no_frame_of_a_server_breaks_the_connection_and_is_no_close_frame_of_it(
    world: str, says: bytes
) -> None:
    """A session outlives a broken connection: what garbles bytes is the path, and another one is tried."""
    with raw_server(says) as (address, _):
        lost = run(world, address)
    assert (lost.how, lost.code) == ("reset", 1006)


def test_asyncio_gives_back_a_connection_on_which_nothing_came_any_more() -> None:
    """Otherwise aiohttp tells the application, whenever the garbage collector comes by, of an unclosed connection."""

    async def scenario(address: Address) -> None:
        async with asyncio_websocket.open_websocket(address, [], None, MOST_BYTES) as wire:
            with suppress(TimeoutError):
                async with asyncio.timeout(0):
                    await wire.receive()  # as the driver leaves where a path falls silent
            assert wire._websocket._response.connection is not None
        assert wire._websocket._response.connection is None

    with raw_server(then="is silent") as (address, _):
        asyncio.run(scenario(address))


@contextmanager
def resetting_listener() -> Iterator[Address]:
    """A listener that resets each connection before anything is said on it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    peer, _ = listener.accept()
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    peer.close()

        server = threading.Thread(target=serve)
        server.start()
        try:
            yield Address("127.0.0.1", listener.getsockname()[1], "/", secure=False)
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            server.join()


@pytest.mark.parametrize("world", ["trio", "asyncio"])
def test_a_reset_of_a_connection_that_was_taken_is_no_refusal_whenever_it_comes(world: str) -> None:
    """It comes before the client has noticed that it is connected, or after; a session is tried again either way."""
    with resetting_listener() as address:
        for _ in range(50):
            with pytest.raises(WireLost) as lost:
                run(world, address)
            assert lost.value.how == "reset", lost.value.reason


@pytest.mark.parametrize(
    ("code", "how"), [(1000, "eof"), (1001, "eof"), (1002, "reset"), (1007, "reset"), (1008, "eof")]
)
def test_a_client_that_could_not_read_what_arrived_has_not_left(code: int, how: str) -> None:
    """RFC 6455 §7.1.7: such a Close frame fails a connection, and says nothing of the session."""

    async def scenario() -> None:
        async with trio_pair() as (client, server), trio.open_nursery() as nursery:
            nursery.start_soon(client.close, code, "")
            with pytest.raises(WireLost) as caught:
                await server.receive()
            assert caught.value.how == how

    trio.run(scenario)


@pytest.mark.parametrize("code", [1000, 1002, 1007])
def test_the_answer_to_our_own_close_frame_is_an_answer_whatever_its_code(code: int) -> None:
    async def scenario() -> None:
        async with trio_pair() as (client, server), trio.open_nursery() as nursery:
            nursery.start_soon(read_to_the_end, client)
            await server.close(code, "")
            with pytest.raises(WireLost) as caught:
                await server.receive()
            assert caught.value.how == "eof"

    trio.run(scenario)


async def read_to_the_end(wire: Wire) -> None:
    with suppress(WireLost):
        while True:
            await wire.receive()
