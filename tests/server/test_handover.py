"""A node that drains in the middle of its sessions hands them on: nothing is lost, and no application does anything."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import trio
from fault_injection.listening.engine import ListeningEngine, spoken, text_of

import auricle.transports.asyncio as asyncio_transport
import auricle.transports.trio as trio_transport
from auricle.core import Configured, Final, Flushed, InputEnded, Limits, SessionClosed, Start
from auricle.core.events import Interrupted, Restarted
from auricle.server.app import ServerConfig, SpeechServer, running_server
from auricle.transports.client import BaseClient
from server.clients import BACKENDS, Backend
from server.misbehaving_servers import running

SESSIONS = 12
PATIENCE_S = 120.0
UTTERANCES = [[101, 102, 103], [201, 202], [301, 302, 303, 304], [401, 402], [501, 502, 503]]
AUDIO = spoken(UTTERANCES)
SAID = [text_of(words) for words in UTTERANCES]
TWO_BYTES = len(spoken(UTTERANCES[:2]))
FIRST_BYTES = TWO_BYTES + 20_000
"""Where the drain comes: in the third utterance, after the second word has begun."""
CHUNK_BYTES = 6_400
IMPATIENT = Limits(reconnect_min_s=0.01, reconnect_max_s=0.2)


@dataclass
class Nodes:
    """Two servers behind one port: connections go to each in turn, or to the other where one takes none."""

    servers: list[SpeechServer]
    port: int = 0
    turn: int = 0
    token: trio.lowlevel.TrioToken = field(default_factory=trio.lowlevel.current_trio_token)

    async def carry(self, client: trio.SocketStream) -> None:
        self.turn += 1
        for number in (self.turn, self.turn + 1):
            port = int(self.servers[number % 2].url.split(":")[2].split("/")[0])
            try:
                server = await trio.open_tcp_stream("127.0.0.1", port)
            except OSError:
                continue
            async with client, server, trio.open_nursery() as nursery:
                nursery.start_soon(_pass_on, client, server)
                nursery.start_soon(_pass_on, server, client)
            return

    def drain_one(self) -> None:
        """Drain the first node, from the thread of the clients, and wait until it has begun."""
        begun = threading.Event()

        def drain() -> None:
            self.servers[0].drain()
            begun.set()

        self.token.run_sync_soon(drain)
        assert begun.wait(PATIENCE_S)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"


async def _pass_on(source: trio.SocketStream, sink: trio.SocketStream) -> None:
    try:
        async for data in source:
            await sink.send_all(data)
        await sink.send_eof()
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass


async def serve(*, task_status: trio.TaskStatus[Nodes]) -> None:
    async with AsyncExitStack() as stack:
        config = ServerConfig(port=0, limits=Limits())
        servers = [await stack.enter_async_context(running_server(config, ListeningEngine())) for _ in range(2)]
        nodes = Nodes(servers)
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(trio.serve_tcp, nodes.carry, 0)
            nodes.port = listeners[0].socket.getsockname()[1]
            task_status.started(nodes)


async def give(client: BaseClient, audio: bytes) -> None:
    for at in range(0, len(audio), CHUNK_BYTES):
        await client.send_audio(audio[at : at + CHUNK_BYTES])


Meet = Callable[[], Awaitable[None]]


async def converse(client: BaseClient, meet: Meet) -> list[Any]:
    """Speak; ``meet`` everybody else in the middle of an utterance, where the node drains; return all events."""
    events: list[Any] = []
    await give(client, AUDIO[:TWO_BYTES])
    await client.configure(language="en", endpointing={"silence_ms": 700})
    await give(client, AUDIO[TWO_BYTES:FIRST_BYTES])
    async for event in client:
        events.append(event)
        if isinstance(event, Configured):
            break
    await meet()
    await give(client, AUDIO[FIRST_BYTES:])
    await client.flush()
    await client.end_input()
    events += [event async for event in client]
    return events


def converse_all(backend: Backend, nodes: Nodes, start: Start) -> list[list[Any]]:
    """Hold `SESSIONS` conversations at once; the first node drains when all of them have met."""
    arguments: dict[str, Any] = {"config": start, "limits": IMPATIENT}
    met = 0

    def meeting(event: Any) -> Meet:
        async def meet() -> None:
            nonlocal met
            met += 1
            if met == SESSIONS:
                nodes.drain_one()
                event.set()
            await event.wait()

        return meet

    async def with_trio() -> list[list[Any]]:
        outcomes: list[list[Any]] = []
        meet = meeting(trio.Event())

        async def one() -> None:
            async with trio_transport.connect(nodes.url, **arguments) as client:
                outcomes.append(await converse(client, meet))

        with trio.fail_after(PATIENCE_S):
            async with trio.open_nursery() as nursery:
                for _ in range(SESSIONS):
                    nursery.start_soon(one)
        return outcomes

    async def with_asyncio() -> list[list[Any]]:
        meet = meeting(asyncio.Event())

        async def one() -> list[Any]:
            async with asyncio_transport.connect(nodes.url, **arguments) as client:
                return await converse(client, meet)

        async with asyncio.timeout(PATIENCE_S):
            return list(await asyncio.gather(*(one() for _ in range(SESSIONS))))

    return trio.run(with_trio) if backend == "trio" else asyncio.run(with_asyncio())


@pytest.mark.parametrize("backend", BACKENDS)
def test_sessions_of_a_node_that_drains_go_on_at_another_one_with_every_word(backend: Backend) -> None:
    with running(serve) as nodes:
        outcomes = converse_all(backend, nodes, Start())  # type: ignore[arg-type]
    restarted = 0
    for events in outcomes:
        closed = events[-1]
        assert isinstance(closed, SessionClosed)
        assert closed.complete is True, closed
        finals = [event for event in events if isinstance(event, Final) and event.text]
        assert " ".join(final.text for final in finals) == " ".join(SAID)
        assert len([event for event in events if isinstance(event, Configured)]) == 1
        assert len([event for event in events if isinstance(event, Flushed)]) == 1
        moves = [event for event in events if isinstance(event, Restarted)]
        assert all(move.lost_samples == 0 for move in moves)
        restarted += bool(moves)
    assert restarted == SESSIONS / 2


@asynccontextmanager
async def one_server() -> AsyncIterator[SpeechServer]:
    with trio.fail_after(PATIENCE_S):
        async with running_server(ServerConfig(port=0), ListeningEngine()) as server:
            yield server


def test_a_client_whose_input_has_ended_still_gets_its_last_finals_from_a_node_that_drains() -> None:
    async def scenario() -> None:
        async with one_server() as server, trio_transport.connect(server.url) as client:
            await give(client, AUDIO)
            await client.end_input()
            events: list[Any] = []
            async for event in client:
                events.append(event)
                if isinstance(event, InputEnded):
                    server.drain()
            assert events[-1].complete is True
            assert not [event for event in events if isinstance(event, Interrupted)]
            await server.stopped()

    trio.run(scenario)


def test_a_drain_is_over_at_once_where_every_client_can_go_on_elsewhere() -> None:
    async def scenario() -> None:
        async with one_server() as server, trio_transport.connect(server.url) as client:
            await give(client, AUDIO[:FIRST_BYTES])
            server.drain()
            with trio.fail_after(ServerConfig().drain_timeout_s / 2):
                await server.stopped()

    trio.run(scenario)
