"""A listener on the loopback or on memory streams, and clients that speak raw bytes to it."""

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import trio
import trio.testing
from starlette.routing import BaseRoute
from trio_websocket import ConnectionClosed

from auricle.server.http.application import application
from auricle.server.http.asgi_bridge import serve_http
from auricle.server.http.http_limits import HttpLimits
from auricle.server.http.listener import Server, serve_tcp
from auricle.server.http.operator_routes import operator_routes
from auricle.server.http.upgrade import Upgrade

FAR_S = 60.0
"""Seconds of real time after which a test on real sockets counts as hung, on the busiest machine."""
KEY = base64.b64encode(bytes(range(16))).decode()
UPGRADE_HEADERS = {
    "Host": "127.0.0.1",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}
ROUTES = operator_routes(lambda: (True, "ready"))
ON_HTTP = partial(serve_http, app=application(ROUTES))


def request(line: str = "GET /healthz HTTP/1.1", headers: dict[str, str] | None = None) -> bytes:
    named = {"Host": "127.0.0.1"} if headers is None else headers
    return "".join([line, "\r\n", *(f"{k}: {v}\r\n" for k, v in named.items()), "\r\n"]).encode("latin-1")


def upgrade_request(path: str = "/ws/transcribe", **changed: str | None) -> bytes:
    """A handshake; a header given as None is left out, underscores stand for dashes."""
    headers: dict[str, str | None] = UPGRADE_HEADERS | {k.replace("_", "-"): v for k, v in changed.items()}
    return request(f"GET {path} HTTP/1.1", {k: v for k, v in headers.items() if v is not None})


def frame(opcode: int, payload: bytes = b"") -> bytes:
    """A final, masked client frame of at most 125 bytes; a mask of zeros changes nothing."""
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + bytes(4) + payload


TEXT, CLOSE, PING = 0x1, 0x8, 0x9


async def echo(upgrade: Upgrade) -> None:
    """Echo until the client closes."""
    connection = await upgrade.accept()
    try:
        while True:
            await connection.send_message(await connection.get_message())
    except ConnectionClosed:
        return


async def explode(upgrade: Upgrade) -> None:
    connection = await upgrade.accept()
    await connection.get_message()
    raise RuntimeError("a bug in the handler")


@asynccontextmanager
async def listening(**options: Any) -> AsyncIterator[Server]:
    """A listener on a free loopback port, dropped with its connections at the end.

    It never closes a connection because of an idle time: whatever closes, closes because it has to.
    """
    options = {"on_websocket": echo, "on_http": ON_HTTP, "http": HttpLimits(keep_alive_s=10 * FAR_S)} | options
    async with trio.open_nursery() as nursery:
        server: Server = await nursery.start(partial(serve_tcp, "127.0.0.1", 0, **options))
        yield server
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def connected(
    wire: Callable[[], tuple[Any, Any]] = trio.testing.memory_stream_pair, **options: Any
) -> AsyncIterator[tuple[Any, Server]]:
    """A client's stream to a listener, all in memory, so that the clock can be a mock."""
    server = Server(**({"on_websocket": echo, "on_http": ON_HTTP} | options))
    ours, theirs = wire()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.serve_connection, theirs)
        yield ours, server
        nursery.cancel_scope.cancel()


async def read_all(stream: trio.abc.ReceiveStream) -> bytes:
    """Everything until the peer's end of file."""
    received = b""
    while data := await stream.receive_some(65536):
        received += data
    return received


async def read_until(stream: trio.abc.ReceiveStream, end: bytes) -> bytes:
    """Everything up to the first read that completes `end`."""
    received = b""
    while end not in received:
        data = await stream.receive_some(65536)
        assert data, f"the peer closed after {received!r}"
        received += data
    return received


async def ask(server: Server, raw: bytes) -> bytes:
    """Send bytes to a listening server, end our side, and return all that it says."""
    async with await trio.open_tcp_stream("127.0.0.1", server.port) as client:
        await client.send_all(raw)
        await client.send_eof()
        return await read_all(client)


async def get(raw: bytes, routes: list[BaseRoute] | None = None) -> tuple[int, dict[str, str], bytes]:
    options = {} if routes is None else {"on_http": partial(serve_http, app=application(routes))}
    with trio.fail_after(FAR_S):
        async with listening(**options) as server:
            return parsed(await ask(server, raw))


def parsed(response: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = response.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
    return int(line.split()[1]), headers, body
