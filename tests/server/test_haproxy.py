"""Two nodes behind Debian's haproxy: one is told to stop in the middle of fifty sessions, and nothing is lost.

Skipped where there is no haproxy: ``apt-get install haproxy``.
"""

import asyncio
import shutil
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from fault_injection.listening.engine import spoken, text_of
from fault_injection.nodes import Node, listening_nodes

import auricle.transports.asyncio as asyncio_transport
import auricle.transports.trio as trio_transport
from auricle.core import Configured, Final, Limits, SessionClosed
from auricle.core.events import Interrupted, Restarted
from auricle.transports.client import BaseClient

HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
pytestmark = pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed: apt-get install haproxy")

SESSIONS = 50
PATIENCE_S = 300.0
UTTERANCES = [[101, 102], [201, 202, 203], [301, 302]]
AUDIO = spoken(UTTERANCES)
SAID = " ".join(text_of(words) for words in UTTERANCES)
ONE_BYTES = len(spoken(UTTERANCES[:1]))
FIRST_BYTES = ONE_BYTES + 20_000
"""Where the node stops: in the second utterance, after the second word has begun."""
CHUNK_BYTES = 6_400
LIMITS = Limits(reconnect_min_s=0.05, reconnect_max_s=0.5, reconnect_timeout_s=PATIENCE_S, max_reconnects=10_000)
CONFIGURATION = """
defaults
    mode http
    balance roundrobin
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h
    retries 3
    option redispatch 1
    retry-on conn-failure
frontend speech
    bind fd@{listener}
    default_backend nodes
backend nodes
    option httpchk GET /readyz
    default-server check inter 1s fall 3 rise 1
    timeout check 10s
{servers}
"""


@asynccontextmanager
async def haproxy(nodes: list[Node], folder: Path) -> AsyncIterator[str]:
    """Run haproxy before the nodes; yield the URL."""
    assert HAPROXY is not None
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        listener.set_inheritable(True)
        servers = "\n".join(f"    server n{number} 127.0.0.1:{node.port}" for number, node in enumerate(nodes))
        file = folder / "haproxy.cfg"
        file.write_text(CONFIGURATION.format(listener=listener.fileno(), servers=servers))
        process = await trio.lowlevel.open_process(
            [HAPROXY, "-db", "-q", "-f", str(file)], pass_fds=[listener.fileno()]
        )
        try:
            yield f"ws://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()


async def give(client: BaseClient, audio: bytes) -> None:
    for at in range(0, len(audio), CHUNK_BYTES):
        await client.send_audio(audio[at : at + CHUNK_BYTES])


Meet = Callable[[], Awaitable[None]]


async def converse(client: BaseClient, meet: Meet) -> list[Any]:
    """Speak up to the middle, ``meet`` all others there, where a node stops, and go on to the end."""
    events: list[Any] = []
    await give(client, AUDIO[:ONE_BYTES])
    await client.configure(language="en")
    await give(client, AUDIO[ONE_BYTES:FIRST_BYTES])
    async for event in client:
        events.append(event)
        if isinstance(event, Configured):
            break
    await meet()
    await give(client, AUDIO[FIRST_BYTES:])
    await client.end_input()
    events += [event async for event in client]
    return events


def with_trio(url: str, everybody: threading.Barrier) -> list[list[Any]]:
    outcomes: list[list[Any]] = []
    place = EachOther(trio.Event())

    async def one() -> None:
        async with trio_transport.connect(url, limits=LIMITS) as client:
            outcomes.append(
                await converse(client, partial(place.meet, lambda: trio.to_thread.run_sync(everybody.wait)))
            )

    async def all_of_them() -> None:
        with trio.fail_after(PATIENCE_S):
            async with trio.open_nursery() as nursery:
                for _ in range(SESSIONS // 2):
                    nursery.start_soon(one)

    trio.run(all_of_them)
    return outcomes


def with_asyncio(url: str, everybody: threading.Barrier) -> list[list[Any]]:
    async def one(place: EachOther) -> list[Any]:
        async with asyncio_transport.connect(url, limits=LIMITS) as client:
            return await converse(client, partial(place.meet, lambda: asyncio.to_thread(everybody.wait)))

    async def all_of_them() -> list[list[Any]]:
        place = EachOther(asyncio.Event())
        async with asyncio.timeout(PATIENCE_S):
            return list(await asyncio.gather(*(one(place) for _ in range(SESSIONS // 2))))

    return asyncio.run(all_of_them())


class EachOther:
    """Where the sessions of one loop meet; the last one meets the other loop."""

    def __init__(self, event: Any) -> None:
        self._event = event
        self._met = 0

    async def meet(self, the_others: Meet) -> None:
        self._met += 1
        if self._met == SESSIONS // 2:
            await the_others()
            self._event.set()
        await self._event.wait()


def test_a_node_that_stops_amid_fifty_sessions_costs_no_word_and_no_application_more_than_an_event(
    tmp_path: Path,
) -> None:
    async def scenario() -> list[list[Any]]:
        nodes, outcomes = listening_nodes(2, tmp_path), list[list[Any]]()
        everybody = threading.Barrier(2, action=nodes[0].drain)

        async def hold(sessions: Callable[[str, threading.Barrier], list[list[Any]]], url: str) -> None:
            outcomes.extend(await trio.to_thread.run_sync(sessions, url, everybody))

        async with trio.open_nursery() as nursery:
            for node in nodes:
                await nursery.start(node.run_once)
            async with haproxy(nodes, tmp_path) as url, trio.open_nursery() as clients:
                clients.start_soon(hold, with_trio, url)
                clients.start_soon(hold, with_asyncio, url)
            nursery.cancel_scope.cancel()
        assert nodes[0].drained_s, "the node had stopped, with exit code 0, before its clients were done"
        return outcomes

    outcomes = trio.run(scenario)
    assert len(outcomes) == SESSIONS
    moved = 0
    for events in outcomes:
        assert isinstance(events[-1], SessionClosed)
        assert events[-1].complete is True, events[-1]
        assert " ".join(event.text for event in events if isinstance(event, Final) and event.text) == SAID
        moves = [event for event in events if isinstance(event, Restarted)]
        assert all(move.lost_samples == 0 for move in moves)
        assert len([event for event in events if isinstance(event, Interrupted)]) >= len(moves)
        moved += bool(moves)
    assert moved
