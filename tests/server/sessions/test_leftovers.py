"""Nothing is left of a session that is over, however it ended: each resource of the server is counted to zero."""

import gc
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import trio
import trio.testing
from trio_websocket import ConnectionClosed, WebSocketConnection, open_websocket_url

from auricle.core import Limits
from auricle.engines.scheduling.dispatcher import Dispatcher
from auricle.engines.scripted.engine import ScriptedEngine, ScriptedWindowEngine
from auricle.engines.scripted.script import COUNTING
from auricle.server.app import ServerConfig, SpeechServer, running_server
from auricle.server.sessions.configuration_span import ConfigurationSpan
from auricle.server.sessions.places import Places
from auricle.server.sessions.registry import SessionRegistry
from auricle.transports.trio import ConnectFailed, connect

SECOND = bytes(32_000)
FAR_S = 30.0
FAULT_SHOWS_S = 0.5
"""Seconds after which a planted fault must still show: what is left at all is left for ever."""
Way = Callable[[SpeechServer], Awaitable[None]]


def left(server: SpeechServer) -> dict[str, int]:
    """Return how many of each resource the server holds."""
    actor, listening = server._models.default.actor, server._listener
    assert listening is not None
    return {
        "places": len(server._conversations),
        "registered sessions": len(server._registry._connections),
        "handshakes": len(server._greetings),
        "engine sessions": len(actor._sessions),
        "sessions of the dispatcher": 0 if actor._dispatcher is None else len(actor._dispatcher._numbers),
        "connections": listening.counts.open,
    }


async def hear(client: WebSocketConnection, type_: str) -> None:
    while f'"{type_}"' not in str(await client.get_message()):
        pass


async def to_its_end(server: SpeechServer) -> None:
    async with connect(server.url) as client:
        await client.send_audio(SECOND)
        await client.end_input()
        assert [event async for event in client]


async def left_in_mid_stream(server: SpeechServer) -> None:
    async with connect(server.url) as client:
        await client.send_audio(SECOND)


async def changed_and_left(server: SpeechServer) -> None:
    async with connect(server.url) as client:
        for silence_ms in (300, 400):
            await client.send_audio(SECOND)
            await client.configure(endpointing={"silence_ms": silence_ms})


async def refused(server: SpeechServer) -> None:
    async with connect(server.url), connect(server.url):
        with suppress(ConnectFailed):
            async with connect(server.url):
                pytest.fail("there are two places")


async def dropped_for_good(server: SpeechServer) -> None:
    """The client goes without a word in mid-stream, and does not come back."""
    async with open_websocket_url(server.url, subprotocols=["auricle.v1"]) as client:
        await client.send_message('{"type":"start"}')
        await hear(client, "ready")
        await client.send_message(SECOND)
        await trio.aclose_forcefully(client._stream)


async def never_started(server: SpeechServer) -> None:
    async with open_websocket_url(server.url, subprotocols=["auricle.v1"]):
        pass


async def resumed(server: SpeechServer) -> None:
    async with open_websocket_url(server.url, subprotocols=["auricle.v1"]) as client:
        await client.send_message('{"type":"start"}')
        ready = ""
        while '"ready"' not in ready:
            ready = str(await client.get_message())
        session, token = (ready.partition(f'"{name}":"')[2].partition('"')[0] for name in ("session", "token"))
        async with open_websocket_url(server.url, subprotocols=["auricle.v1"]) as again:
            await again.send_message(
                f'{{"type":"resume","session":"{session}","token":"{token}","seen":1,"sent":0,"attempt":1}}'
            )
            await hear(again, "resumed")
            await again.send_message('{"type":"cancel"}')
            with suppress(ConnectionClosed):
                await hear(again, "nothing more")


WAYS: list[Way] = [to_its_end, left_in_mid_stream, changed_and_left, refused, dropped_for_good, never_started, resumed]
BRIEF = Limits(resume_window_s=0.05, close_timeout_s=0.2)


async def go(way: Way, engine: ScriptedEngine | ScriptedWindowEngine, settle_s: float) -> dict[str, int]:
    """Go one way through a session; return what is left of it once nothing is, or after so many seconds."""
    async with running_server(ServerConfig(port=0, limits=BRIEF, max_sessions=2), engine) as server:
        with trio.fail_after(FAR_S):
            await server.engine_ready()
            await way(server)
        with trio.move_on_after(settle_s):
            while any(left(server).values()):
                await trio.testing.wait_all_tasks_blocked(0.001)
        return {name: count for name, count in left(server).items() if count}


@pytest.mark.parametrize("kind", [ScriptedEngine, ScriptedWindowEngine], ids=["stateful", "window"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_nothing_is_left(way: Way, kind: type[ScriptedEngine] | type[ScriptedWindowEngine]) -> None:
    assert trio.run(go, way, kind(COUNTING), FAR_S) == {}


OURS = ("auricle.", "trio_websocket.", "wsproto.", "h11.")
MADE_OF = ("coroutine", "function", "method", "cell", "dict", "list", "set", "bytearray")
"""Neither trio's scopes nor tuples: it forgets deadlines that have passed only once there are a thousand of them."""


def objects() -> Counter[str]:
    """How many objects there are of each of these types, once what nobody can reach is gone."""
    gc.collect()
    kinds = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())
    told = {f"builtins.{kind}" for kind in MADE_OF}
    return Counter({kind: count for kind, count in kinds.items() if kind.startswith(OURS) or kind in told})


def test_no_kind_of_object_grows_with_the_sessions_that_were() -> None:
    """Whatever a session leaves behind, of whatever type, would be there once for each of them."""
    further = 3

    async def scenario() -> Counter[str]:
        async with running_server(
            ServerConfig(port=0, limits=BRIEF, max_sessions=2), ScriptedEngine(COUNTING)
        ) as server:
            await server.engine_ready()

            async def once() -> None:
                with trio.fail_after(FAR_S):
                    for way in WAYS:
                        await way(server)
                        while any(left(server).values()):
                            await trio.testing.wait_all_tasks_blocked(0.001)

            for _ in range(2):
                await once()
            before = objects()
            for _ in range(further):
                await once()
            return objects() - before

    grown = {kind: count for kind, count in trio.run(scenario).items() if count >= further}
    assert grown == {}


FAULTS: dict[str, tuple[Way, str, type, str, object]] = {
    "spans are never closed": (
        left_in_mid_stream, "engine sessions", ConfigurationSpan, "close", lambda _self: None
    ),
    "spans that were changed are never closed": (
        changed_and_left, "engine sessions", ConfigurationSpan, "close", lambda _self: None
    ),
    "sessions stay registered": (
        to_its_end, "registered sessions", SessionRegistry, "remove", lambda _self, _id: None
    ),
    "places are never given back": (to_its_end, "places", Places, "discard", lambda _self, _holder: None),
    "the dispatcher keeps its sessions": (
        to_its_end, "sessions of the dispatcher", Dispatcher, "close", lambda _self, _session: None
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_left_is_noticed(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    way, resource, owner, name, value = FAULTS[fault]
    monkeypatch.setattr(owner, name, value)
    assert resource in trio.run(go, way, ScriptedWindowEngine(COUNTING), FAULT_SHOWS_S)


def test_what_is_counted_is_there_while_a_session_is() -> None:
    """A count that never rises would prove nothing."""

    async def scenario() -> dict[str, int]:
        async with running_server(ServerConfig(port=0), ScriptedWindowEngine(COUNTING)) as server:
            await server.engine_ready()
            async with (
                connect(server.url) as client,
                open_websocket_url(server.url, subprotocols=["auricle.v1"]),
            ):
                await client.send_audio(SECOND)
                with trio.fail_after(FAR_S):
                    while not all(left(server).values()):
                        await trio.testing.wait_all_tasks_blocked(0.001)
                return left(server)

    assert trio.run(scenario)
