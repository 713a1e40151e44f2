"""Sessions that survive their connection, on real sockets, through a network that cuts."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import trio
import trio.testing
from trio_websocket import ConnectionClosed, open_websocket_url

from auricle.core import (
    PROTOCOL,
    Configured,
    ErrorMessage,
    Final,
    Flushed,
    Interrupted,
    Limits,
    Restarted,
    Resumed,
    SessionClosed,
    Start,
    Stats,
    WarningMessage,
)
from auricle.core.parts import AudioFormat, Features
from auricle.engines.actor import EngineActor
from auricle.engines.protocol import EngineInfo
from auricle.engines.scripted.engine import ScriptedEngine
from auricle.engines.scripted.script import COUNTING, Script
from auricle.server.app import ServerConfig, SpeechServer, running_server
from auricle.transports.trio import Client, ConnectFailed, connect
from server.proxy import CuttingProxy, cutting_proxy

SECOND = bytes(32_000)
FAR_S = 30.0
QUICK = Limits(reconnect_min_s=0.01, reconnect_max_s=0.1)


class EnglishOnly(ScriptedEngine):
    """An engine that cannot do everything."""

    @property
    def info(self) -> EngineInfo:
        return replace(super().info, languages=("en",))


@asynccontextmanager
async def served(
    script: Script = COUNTING, limits: Limits | None = None, engine: Any = None, **config: Any
) -> AsyncIterator[tuple[SpeechServer, CuttingProxy]]:
    with trio.fail_after(FAR_S):
        server_config = ServerConfig(port=0, limits=limits or Limits(), **config)
        async with (
            running_server(server_config, engine or ScriptedEngine(script)) as server,
            cutting_proxy(server.url) as proxy,
        ):
            yield server, proxy


async def read(client: Client, events: list[Any]) -> None:
    async for event in client:
        events.append(event)


def words(events: list[Any]) -> list[tuple[str, tuple[int, int]]]:
    return [(event.text, event.audio) for event in events if isinstance(event, Final)]


async def until(client: Client, kind: type, events: list[Any]) -> Any:
    async for event in client:
        events.append(event)
        if isinstance(event, kind):
            return event
    raise AssertionError(f"no {kind.__name__} came: {events[-1]}")


async def uncut(seconds: int) -> list[tuple[str, tuple[int, int]]]:
    events: list[Any] = []
    async with served() as (server, _), connect(server.url) as client:
        for _ in range(seconds):
            await client.send_audio(SECOND)
        await client.end_input()
        await read(client, events)
    return words(events)


def test_cut_in_the_middle_it_comes_to_the_same() -> None:
    async def scenario() -> None:
        expected = await uncut(8)
        events: list[Any] = []
        async with served() as (server, proxy), connect(proxy.url, limits=QUICK) as client:
            for second in range(8):
                await client.send_audio(SECOND)
                if second % 3 == 2:
                    proxy.cut()
                    await until(client, Resumed, events)
            await client.end_input()
            await read(client, events)
            assert server.sessions == 0
        assert words(events) == expected
        assert events[-1].complete is True
        assert [type(event) for event in events if isinstance(event, Interrupted | Resumed)] == [
            Interrupted,
            Resumed,
        ] * 2

    trio.run(scenario)


def test_cut_while_it_drains_it_comes_to_the_same() -> None:
    async def scenario() -> None:
        expected = await uncut(6)
        events: list[Any] = []
        slow = Script(words=COUNTING.words, period=COUNTING.period, call_s=0.05)
        async with served(slow) as (_, proxy), connect(proxy.url, limits=QUICK) as client:
            for _ in range(6):
                await client.send_audio(SECOND)
            await client.end_input()
            proxy.cut()
            await until(client, Final, events)
            proxy.cut()
            await read(client, events)
        assert words(events) == expected
        assert events[-1].complete is True

    trio.run(scenario)


def test_a_server_that_is_new_gets_the_rest() -> None:
    async def scenario() -> None:
        expected = await uncut(8)
        events: list[Any] = []
        async with served() as (_, proxy), connect(proxy.url, limits=QUICK) as client:
            for _ in range(5):
                await client.send_audio(SECOND)
            await until(client, Final, events)
            proxy.refusing = True
            proxy.cut()
            async with running_server(ServerConfig(port=0), ScriptedEngine(COUNTING)) as other:
                proxy.target_port = int(other.url.split(":")[2].split("/")[0])
                proxy.refusing = False
                restarted = await until(client, Restarted, events)
                for _ in range(3):
                    await client.send_audio(SECOND)
                await client.end_input()
                await read(client, events)
        assert restarted.lost_samples == 0
        assert events[-1].complete is True
        audio = [span for _, span in words(events)]
        assert audio[0][0] == 0
        assert all(one[1] == other[0] for one, other in pairwise(audio))
        assert events[-1].accounting.received == 8 * 16_000
        assert [event.segment for event in events if isinstance(event, Final)] == list(range(len(audio)))
        assert len(audio) >= len(expected) - 1

    trio.run(scenario)


def test_a_client_that_may_not_come_back_is_told_the_loss() -> None:
    async def scenario() -> None:
        async with served() as (_, proxy), connect(proxy.url, Start(resume=False)) as client:
            await client.send_audio(SECOND)
            proxy.cut()
            events: list[Any] = []
            await read(client, events)
        assert (events[-1].reason, events[-1].complete) == ("lost", False)
        assert not [event for event in events if isinstance(event, Interrupted)]

    trio.run(scenario)


def test_a_drain_waits_for_nobody_who_cannot_come_back() -> None:
    async def scenario() -> None:
        # Far more than the test may take: only a drain that does not wait for it is in time.
        async with served(limits=Limits(resume_window_s=10 * FAR_S)) as (server, proxy):
            async with connect(proxy.url, limits=Limits(reconnect_timeout_s=0.2)) as client:
                await client.send_audio(SECOND)
                proxy.refusing = True
                proxy.cut()
                events: list[Any] = []
                await read(client, events)
            server.drain()
            await server.stopped()

    trio.run(scenario)


def test_nothing_is_left_of_sessions_that_are_over() -> None:
    async def scenario() -> None:
        async with served() as (server, _):
            for _ in range(3):
                events: list[Any] = []
                async with connect(server.url) as client:
                    await client.send_audio(SECOND)
                    await client.end_input()
                    await read(client, events)
            while server.sessions or server._registry._connections or server._greetings:
                await trio.testing.wait_all_tasks_blocked(0.001)

    trio.run(scenario)


def test_a_drain_does_not_wait_for_a_client_that_says_nothing() -> None:
    async def scenario() -> None:
        patient = Limits(hello_timeout_s=10 * FAR_S)  # far more than the test may take
        async with (
            served(limits=patient) as (server, _),
            open_websocket_url(server.url, subprotocols=["auricle.v1"]) as silent,
        ):
            while not server._greetings:
                await trio.testing.wait_all_tasks_blocked(0.001)
            server.drain()
            with suppress(ConnectionClosed):
                while True:
                    await silent.get_message()
            await server.stopped()

    trio.run(scenario)


def test_capacity_says_when_to_come_back() -> None:
    async def scenario() -> None:
        async with served(max_sessions=1) as (server, _), connect(server.url):
            with pytest.raises(ConnectFailed, match="1 sessions") as caught:
                async with connect(server.url, limits=Limits(connect_timeout_s=4.0)):
                    pass
            closed = caught.value.closed
            assert (closed.error, closed.code, closed.retriable) == ("capacity", 1013, True)
            assert closed.retry_after_s == 5.0

    trio.run(scenario)


def test_clients_that_are_gone_keep_nobody_out() -> None:
    """The session that has waited longest for its client is given up first; whoever is here stays."""

    async def scenario() -> None:
        async with served(max_sessions=2) as (server, _), connect(server.url) as here:
            url = server.url
            async with open_websocket_url(url, subprotocols=["auricle.v1"]) as gone:
                await gone.send_message('{"type":"start"}')
                while '"ready"' not in await gone.get_message():
                    pass
                await trio.aclose_forcefully(gone._stream)
            while server.detached != 1:
                await trio.testing.wait_all_tasks_blocked(0.001)
            events: list[Any] = []
            async with connect(url) as client:
                await client.send_audio(SECOND)
                await client.end_input()
                await read(client, events)
            assert events[-1].complete
            await here.send_audio(SECOND)
            await here.end_input()
            await read(here, events)
            assert events[-1].complete

    trio.run(scenario)


@pytest.mark.parametrize("code", [1002, 1007])
def test_who_could_not_read_what_arrived_may_come_back(code: int) -> None:
    """RFC 6455 §7.1.7: such a Close frame fails a connection, which says nothing of whether its client leaves."""

    async def scenario() -> None:
        async with served() as (server, _):
            async with open_websocket_url(server.url, subprotocols=[PROTOCOL]) as socket:
                await socket.send_message('{"type":"start"}')
                while (ready := json.loads(await socket.get_message()))["type"] != "ready":
                    pass
                await socket.aclose(code)
            resume = {"type": "resume", "session": ready["session"], "token": ready["resume"]["token"]}
            async with open_websocket_url(server.url, subprotocols=[PROTOCOL]) as socket:
                await socket.send_message(json.dumps(resume | {"seen": 1, "sent": 0}))
                assert json.loads(await socket.get_message())["type"] == "resumed"

    trio.run(scenario)


def test_an_engine_that_cannot_keep_up_takes_nobody_new(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with served() as (server, _), connect(server.url) as client:
            monkeypatch.setattr(EngineActor, "busy_for_s", 7.0)
            with pytest.raises(ConnectFailed, match="as many sessions as it can keep up with") as caught:
                async with connect(server.url):
                    pass
            assert caught.value.closed.retry_after_s == 7.0
            events: list[Any] = []
            await client.send_audio(SECOND)
            await client.end_input()
            await read(client, events)
            assert events[-1].complete, "whoever is in stays"

    trio.run(scenario)


def test_a_change_cuts_and_is_answered_where_it_was_asked_for() -> None:
    async def scenario() -> None:
        events: list[Any] = []
        async with served() as (server, _), connect(server.url) as client:
            await client.send_audio(SECOND * 2)
            await client.configure(endpointing={"silence_ms": 300}, bias=None)
            await client.send_audio(SECOND * 2)
            await client.end_input()
            await read(client, events)
        (answer,) = [event for event in events if isinstance(event, Configured)]
        assert answer.from_ == 2 * 16_000
        assert answer.effective["endpointing"]["silence_ms"] == 300
        before = [event for event in events[: events.index(answer)] if isinstance(event, Final)]
        after = [event for event in events[events.index(answer) :] if isinstance(event, Final)]
        assert all(final.audio[1] <= answer.from_ for final in before)
        assert before[-1].reason == "configure"
        assert all(final.audio[0] >= answer.from_ and final.start >= 2.0 for final in after)
        assert after
        assert events[-1].complete is True

    trio.run(scenario)


def test_a_change_that_the_engine_cannot_do_is_refused_and_nothing_else_happens() -> None:
    async def scenario() -> None:
        events: list[Any] = []
        async with served(engine=EnglishOnly(COUNTING)) as (server, _), connect(server.url) as client:
            change = await client.configure(language="tlh")
            await client.send_audio(SECOND)
            await client.end_input()
            await read(client, events)
        (refusal,) = [event for event in events if isinstance(event, ErrorMessage)]
        assert (refusal.ref, refusal.code, refusal.param) == (change, "unsupported_language", "/set/language")
        assert events[-1].complete is True

    trio.run(scenario)


@pytest.mark.parametrize("framing", ["raw", "offset64"])
def test_gaps_count_and_are_heard_as_silence(framing: str) -> None:
    async def scenario() -> None:
        events: list[Any] = []
        config = Start(audio=AudioFormat(framing=framing))
        async with served() as (server, _), connect(server.url, config) as client:
            await client.send_audio(SECOND)
            await client.skip(32_000)
            await client.send_audio(SECOND)
            await client.flush()
            await client.end_input()
            await read(client, events)
        closed = events[-1]
        assert closed.complete is True
        assert (closed.accounting.gap, closed.accounting.received) == (32_000, 64_000)
        assert [event.upto for event in events if isinstance(event, Flushed)] == [64_000]

    trio.run(scenario)


def test_a_session_that_lasts_too_long_ends_with_everything_said() -> None:
    async def scenario() -> None:
        events: list[Any] = []
        limits = Limits(session_max_s=0.4, session_warning_s=0.2)
        async with served(limits=limits) as (server, _), connect(server.url) as client:
            await client.send_audio(SECOND)
            await read(client, events)
        assert [event.code for event in events if isinstance(event, WarningMessage)] == ["session_expiring"]
        closed = events[-1]
        assert isinstance(closed, SessionClosed)
        assert (closed.reason, closed.code) == ("session_limit", 1000)
        assert closed.accounting.committed == 16_000

    trio.run(scenario)


def test_stats_come_as_often_as_asked() -> None:
    async def scenario() -> None:
        events: list[Any] = []
        config = Start(features=Features(stats_ms=100))
        async with served() as (server, _), connect(server.url, config) as client:
            await client.send_audio(SECOND)
            stats = await until(client, Stats, events)
            await client.end_input()
            await read(client, events)
        assert stats.backlog_ms >= 0
        assert events[-1].complete is True

    trio.run(scenario)


async def say(url: str, *frames: dict[str, Any]) -> tuple[list[dict[str, Any]], int | None]:
    """Say these messages on a new connection; return all answers up to the close, and its code."""
    answers = []
    async with open_websocket_url(url, subprotocols=[PROTOCOL]) as socket:
        for frame in frames:
            await socket.send_message(json.dumps(frame))
        try:
            while True:
                answers.append(json.loads(await socket.get_message()))
        except ConnectionClosed as closed:
            return answers, closed.reason.code if closed.reason else None


def test_a_stranger_cannot_take_a_session_up() -> None:
    async def scenario() -> None:
        async with served() as (server, _), connect(server.url) as client:
            await client.send_audio(SECOND)
            session = client.ready.session
            wrong = {"type": "resume", "session": session, "token": "guessed", "seen": 1, "sent": 99_999}
            answers, code = await say(server.url, wrong)
            assert (answers[0]["code"], code) == ("bad_token", 4410)
            answers, code = await say(server.url, wrong | {"session": "never"})
            assert (answers[0]["code"], code) == ("session_gone", 4410)
            await client.end_input()
            events: list[Any] = []
            await read(client, events)
            assert events[-1].complete is True

    trio.run(scenario)
