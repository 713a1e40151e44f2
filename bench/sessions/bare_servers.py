"""Servers that do as little as a server can, as programs: ``python -m sessions.bare_servers NAME``.

They take every message, throw it away, and answer every half second of audio with a hundred bytes.
"""

import asyncio
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import trio
import websockets.asyncio.server as websockets_server
from trio_websocket import ConnectionClosed, WebSocketRequest, serve_websocket
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Request, TextMessage

from sessions.programs import run_one, tell

ANSWER: Final = '{"type":"partial","text":"' + "x" * 73 + '"}'
EVERY: Final = 25
"""Messages to an answer: half a second of audio."""


async def _trio_websocket() -> None:
    async def serve(request: WebSocketRequest) -> None:
        socket, taken = await request.accept(), 0
        try:
            while True:
                await socket.get_message()
                taken += 1
                if taken % EVERY == 0:
                    await socket.send_message(ANSWER)
        except ConnectionClosed:
            return

    async with trio.open_nursery() as nursery:
        server = await nursery.start(partial(serve_websocket, serve, "127.0.0.1", 0, ssl_context=None))
        tell(server.port)


async def _wsproto() -> None:
    async def serve(stream: trio.SocketStream) -> None:
        connection, taken = WSConnection(ConnectionType.SERVER), 0
        async for data in stream:
            connection.receive_data(bytes(data))
            for event in connection.events():
                match event:
                    case Request():
                        await stream.send_all(connection.send(AcceptConnection()))
                    case BytesMessage(message_finished=True) | TextMessage(message_finished=True):
                        taken += 1
                        if taken % EVERY == 0:
                            await stream.send_all(connection.send(TextMessage(data=ANSWER)))
                    case CloseConnection():
                        return
                    case _:
                        pass

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    tell(listener.socket.getsockname()[1])
    await trio.serve_listeners(serve, [listener])


async def _websockets() -> None:
    async def serve(socket: websockets_server.ServerConnection) -> None:
        taken = 0
        async for _ in socket:
            taken += 1
            if taken % EVERY == 0:
                await socket.send(ANSWER)

    async with websockets_server.serve(serve, "127.0.0.1", 0, compression=None) as server:
        tell(next(iter(server.sockets)).getsockname()[1])
        await asyncio.get_running_loop().create_future()


SERVERS: Final[Mapping[str, Callable[[], None]]] = {
    "trio-websocket": lambda: trio.run(_trio_websocket),
    "wsproto": lambda: trio.run(_wsproto),
    "websockets": lambda: asyncio.run(_websockets()),
}

if __name__ == "__main__":
    run_one(SERVERS, sys.argv[1])
