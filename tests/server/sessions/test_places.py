"""Bounds on the sessions of a server: for all, for each peer, and for those whose clients are gone."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio_websocket import WebSocketConnection, open_websocket_url

from auricle.engines.scripted.engine import ScriptedEngine
from auricle.engines.scripted.script import COUNTING
from auricle.server.app import ServerConfig, SpeechServer, running_server
from auricle.server.sessions.places import Places
from auricle.transports.errors import ConnectFailed
from auricle.transports.trio import connect

FAR_S = 30.0


@dataclass(eq=False)
class Session:
    peer: str
    waiting_since: float | None = None
    given_up: bool = False

    def give_up(self) -> None:
        assert self.waiting_since is not None, "whoever is here stays"
        self.given_up = True


@given(
    st.lists(st.builds(Session, st.sampled_from(["", "a", "b"]), st.none() | st.integers(0, 9)), max_size=12),
    st.none() | st.integers(1, 12),
    st.none() | st.integers(1, 4),
    st.none() | st.integers(0, 4),
    st.sampled_from(["", "a", "b"]),
)
def test_room_is_made_where_somebody_waits_and_there_is_need(
    sessions: list[Session], most: int | None, per_peer: int | None, waiting: int | None, peer: str
) -> None:
    places = Places[Session](most=most, most_per_peer=per_peer, most_waiting=waiting)
    for session in sessions:
        places.add(session)
    places.make_room(peer)
    staying = [session for session in sessions if not session.given_up]
    left_waiting = [session for session in staying if session.waiting_since is not None]
    mine = [session for session in staying if session.peer == peer]
    assert places.taken == len(staying)
    assert most is None or len(staying) < most or not left_waiting
    assert waiting is None or len(left_waiting) <= waiting
    assert (places.peer_problem(peer) is None) == (per_peer is None or not peer or len(mine) < per_peer)
    assert places.peer_problem(peer) is None or not [session for session in mine if session.waiting_since is not None]


async def gone_client(stack: AsyncExitStack, server: SpeechServer) -> None:
    """Begin a session and drop its connection."""
    detached = server.detached
    gone: WebSocketConnection = await stack.enter_async_context(
        open_websocket_url(server.url, subprotocols=["auricle.v1"])
    )
    await gone.send_message('{"type":"start"}')
    while '"ready"' not in str(await gone.get_message()):
        pass
    await trio.aclose_forcefully(gone._stream)
    while server.detached == detached:
        await trio.testing.wait_all_tasks_blocked(0.001)


def test_one_peer_has_as_many_sessions_as_it_may_have() -> None:
    """And those whose clients are gone are given up for new ones of the same peer."""

    async def scenario() -> None:
        config = ServerConfig(port=0, max_sessions_per_peer=2)
        with trio.fail_after(FAR_S):
            async with running_server(config, ScriptedEngine(COUNTING)) as server, AsyncExitStack() as stack:
                await gone_client(stack, server)
                async with connect(server.url), connect(server.url):
                    with pytest.raises(ConnectFailed, match=r"127\.0\.0\.1 has 2 sessions already") as caught:
                        async with connect(server.url):
                            pass
                    assert (caught.value.closed.error, caught.value.closed.retry_after_s) == ("capacity", 5.0)

    trio.run(scenario)


def test_no_more_sessions_wait_for_their_clients_than_may() -> None:
    async def scenario() -> None:
        config = ServerConfig(port=0, max_detached=2)
        with trio.fail_after(FAR_S):
            async with running_server(config, ScriptedEngine(COUNTING)) as server, AsyncExitStack() as stack:
                for _ in range(2):
                    await gone_client(stack, server)
                async with connect(server.url):
                    assert server.detached == 2
                await gone_client(stack, server)
                async with connect(server.url):
                    while server.detached != 2:
                        await trio.testing.wait_all_tasks_blocked(0.001)

    trio.run(scenario)
