"""Two nodes behind Debian's haproxy: one stops, or is killed, in the middle of fifty sessions, and nothing is lost.

The nodes are processes of their own, and the configuration is that in ``deploy/haproxy``.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import trio
from fault_injection.listening.engine import spoken, text_of
from fault_injection.nodes import Node, listening_nodes

import auricle.transports.asyncio as asyncio_transport
import auricle.transports.trio as trio_transport
from auricle.core import Configured, Final, Limits, SessionClosed
from auricle.core.events import Interrupted, Restarted
from auricle.transports.client import BaseClient
from server.proxies import haproxy, needs_haproxy

pytestmark = needs_haproxy

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


def hold_sessions(folder: Path, stop: Callable[[Node], None]) -> tuple[list[list[Any]], Node]:
    """Hold the sessions, and stop one of two nodes in the middle; return their events, and that node."""

    async def scenario() -> list[list[Any]]:
        outcomes = list[list[Any]]()
        everybody = threading.Barrier(2, action=lambda: stop(nodes[0]))

        async def hold(sessions: Callable[[str, threading.Barrier], list[list[Any]]], url: str) -> None:
            outcomes.extend(await trio.to_thread.run_sync(sessions, url, everybody))

        async with trio.open_nursery() as nursery:
            for node in nodes:
                await nursery.start(node.run_once)
            ports = {f"n{number}": node.port for number, node in enumerate(nodes)}
            async with haproxy(ports, folder) as proxy, trio.open_nursery() as clients:
                clients.start_soon(hold, with_trio, proxy.url)
                clients.start_soon(hold, with_asyncio, proxy.url)
            nursery.cancel_scope.cancel()
        return outcomes

    nodes = listening_nodes(2, folder)
    return trio.run(scenario), nodes[0]


def moved(outcomes: list[list[Any]]) -> int:
    """Check that nothing was lost and nothing doubled; return how many sessions went on at the other node."""
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
    return moved


def test_a_node_that_stops_amid_fifty_sessions_costs_no_word_and_no_application_more_than_an_event(
    tmp_path: Path,
) -> None:
    outcomes, node = hold_sessions(tmp_path, Node.drain)
    assert node.drained_s, "the node had stopped, with exit code 0, before its clients were done"
    assert moved(outcomes)


def test_a_node_that_is_killed_amid_fifty_sessions_costs_no_word_either(tmp_path: Path) -> None:
    outcomes, node = hold_sessions(tmp_path, Node.kill)
    assert node.kills == 1
    assert moved(outcomes) == SESSIONS // 2, "leastconn had given each node as many"
