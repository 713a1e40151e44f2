"""Servers that do what servers should not, on real sockets, in a thread of their own."""

import json
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket

from auricle.core import PROTOCOL

Handler = Callable[[Any], Awaitable[None]]
READY = {"type": "ready", "seq": 1, "session": "s", "credit": 480_000}


@contextmanager
def running(serve: Callable[..., Awaitable[Any]]) -> Iterator[int]:
    """Run ``serve(task_status=…)`` in a thread; yield the port it reports; stop it at the end."""
    started = threading.Event()
    found: dict[str, Any] = {}

    async def main() -> None:
        with trio.CancelScope() as scope:
            found["stop"] = scope.cancel
            found["token"] = trio.lowlevel.current_trio_token()
            async with trio.open_nursery() as nursery:
                found["port"] = await nursery.start(serve)
                started.set()

    thread = threading.Thread(target=trio.run, args=(main,))
    thread.start()
    try:
        assert started.wait(10), "the rude server did not start"
        yield found["port"]
    finally:
        found["token"].run_sync_soon(found["stop"])
        thread.join(10)
        assert not thread.is_alive()


def websocket(behave: Callable[[WebSocketConnection], Awaitable[None]], *, legacy: bool = False) -> Any:
    """A server that accepts, behaves like that, and then holds the connection open."""

    async def handler(request: WebSocketRequest) -> None:
        spoken = None if legacy or PROTOCOL not in request.proposed_subprotocols else PROTOCOL
        connection = await request.accept(subprotocol=spoken)
        try:
            await behave(connection)
            await trio.sleep_forever()
        except ConnectionClosed:
            pass

    return serving(handler)


def serving(handler: Callable[[WebSocketRequest], Awaitable[None]]) -> Any:
    """A server that handles every upgrade like that."""

    async def serve(*, task_status: Any) -> None:
        async with trio.open_nursery() as nursery:
            # The library's own closing handshake would be polite; these servers are cancelled instead.
            server = await nursery.start(partial(serve_websocket, handler, "127.0.0.1", 0, ssl_context=None))
            task_status.started(server.port)

    return serve


def raw(behave: Callable[[trio.SocketStream], Awaitable[None]]) -> Any:
    """A TCP server that never heard of WebSocket."""

    async def serve(*, task_status: Any) -> None:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        task_status.started(listeners[0].socket.getsockname()[1])
        await trio.serve_listeners(behave, listeners)

    return serve


async def say(connection: WebSocketConnection, **message: Any) -> None:
    await connection.send_message(json.dumps(message))


async def hear(connection: WebSocketConnection, type: str) -> dict[str, Any]:
    """Skip everything until a message of this type."""
    while True:
        frame = await connection.get_message()
        if isinstance(frame, str) and json.loads(frame).get("type") == type:
            return dict(json.loads(frame))


async def say_final(connection: WebSocketConnection, seq: int, samples: int) -> None:
    await say(
        connection,
        type="final",
        seq=seq,
        segment=0,
        text="the last words",
        start=0.0,
        end=0.1,
        confidence=1.0,
        audio=[0, samples],
        reason="end_input",
    )


async def say_closed(connection: WebSocketConnection, seq: int, samples: int, segments: int) -> None:
    stats = {"received": samples, "processed": samples, "committed": samples, "segments": segments}
    await say(connection, type="closed", seq=seq, reason="completed", code=1000, complete=True, stats=stats)


def reset(connection: WebSocketConnection) -> None:
    """Close TCP with a reset: whatever the peer has not read yet is wiped."""
    sock = connection._stream.socket  # type: ignore[attr-defined]
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
