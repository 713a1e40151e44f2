"""A session whose ``closed`` was sent and may not have arrived: the client comes back and learns how it ended."""

import json
from typing import Any, Literal

import pytest
import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Message, Request, TextMessage

from auricle.core import PROTOCOL
from auricle.engines.scripted.engine import ScriptedEngine
from auricle.engines.scripted.script import COUNTING
from auricle.server.app import ServerConfig, running_server
from auricle.transports.address import parse_address

SECOND = bytes(32_000)
FAR_S = 30.0
How = Literal["eof", "reset"]


class BareClient:
    """A WebSocket client that never answers a Close frame by itself."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._connection = WSConnection(ConnectionType.CLIENT)

    async def open(self, authority: str, resource: str) -> None:
        await self._send(Request(host=authority, target=resource, subprotocols=[PROTOCOL]))
        assert isinstance((await self._events())[0], AcceptConnection)

    async def say(self, **message: Any) -> None:
        await self._send(TextMessage(json.dumps(message)))

    async def audio(self, pcm: bytes) -> None:
        await self._send(BytesMessage(pcm))

    async def until(self, kind: str) -> list[dict[str, Any]]:
        """Return the messages up to the first one of ``kind``; for ``closed``, up to the Close frame behind it."""
        messages: list[dict[str, Any]] = []
        while True:
            for event in await self._events():
                if isinstance(event, Message):
                    messages.append(json.loads(event.data))
                over = kind != "closed" and bool(messages) and messages[-1]["type"] == kind
                if over or isinstance(event, CloseConnection):
                    return messages

    async def _send(self, event: Any) -> None:
        await self.stream.send_all(self._connection.send(event))

    async def _events(self) -> list[Any]:
        data = await self.stream.receive_some()
        assert data, "the server ends nothing without a Close frame"
        self._connection.receive_data(bytes(data))
        return list(self._connection.events())


async def bare_client(url: str) -> BareClient:
    address = parse_address(url)
    client = BareClient(await trio.open_tcp_stream(address.host, address.port))
    await client.open(address.authority, address.resource)
    return client


async def drop(client: BareClient, how: How) -> None:
    if how == "eof":
        await client.stream.send_eof()
    await trio.aclose_forcefully(client.stream)


@pytest.mark.parametrize("how", ["eof", "reset"])
def test_a_client_that_was_cut_before_its_close_frame_can_still_resume(how: How) -> None:
    async def scenario() -> None:
        async with running_server(ServerConfig(port=0), ScriptedEngine(COUNTING)) as server:
            client = await bare_client(server.url)
            await client.say(type="start")
            (ready,) = await client.until("ready")
            await client.audio(SECOND)
            await client.say(type="end_input")
            closed = (await client.until("closed"))[-1]
            await drop(client, how)

            other = await bare_client(server.url)
            await other.say(
                type="resume", session=ready["session"], token=ready["resume"]["token"], seen=1, sent=16_000, attempt=1
            )
            again = await other.until("closed")
            assert again[0]["type"] == "resumed"
            assert again[-1] == closed
            await drop(other, how)

    async def in_time() -> None:
        with trio.fail_after(FAR_S):
            await scenario()

    trio.run(in_time)
