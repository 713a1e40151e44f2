"""Our server on real sockets, from outside: the seed's list, many sessions at once, and stopping."""

import gc
import json
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import pytest
import trio
from trio_websocket import (
    ConnectionClosed,
    WebSocketConnection,
    open_websocket,
    open_websocket_url,
    wrap_client_stream,
)

from auricle.core import ClientSession, Features, Final, Interrupted, Limits, Loading, SessionClosed, Start
from auricle.core.session import Session
from auricle.engines.loading import Loaded
from auricle.engines.protocol import EngineUnavailable, LoadProgress
from auricle.engines.scripted.engine import ScriptedEngine
from auricle.engines.scripted.script import COUNTING, Script
from auricle.engines.session.engine_session import EngineSession
from auricle.engines.session.recogniser import Recogniser
from auricle.server.app import ServerConfig, running_server
from auricle.server.http.listener import ListenError
from auricle.server.sessions.conversation import Conversation
from auricle.transports.address import parse_address
from auricle.transports.trio import Client, ConnectFailed, connect
from auricle.transports.trio.client import run_client
from auricle.transports.trio.websocket import open_websocket as open_wire_to
from server.clients import BACKENDS, Backend, talk
from server.misbehaving_servers import running

SECOND = bytes(32_000)
COUNTED = "one two three four five"
FAR_S = 90.0
"""Real seconds after which something counts as hung; machines may be slow and busy."""


@contextmanager
def auricle(script: Script = COUNTING, **config: Any) -> Iterator[str]:
    """Our server in a thread of its own; yields its URL."""

    async def serve(*, task_status: trio.TaskStatus[int]) -> None:
        async with running_server(ServerConfig(port=0, **config), ScriptedEngine(script)) as server:
            task_status.started(int(server.url.split(":")[2].split("/")[0]))
            await trio.sleep_forever()

    with running(serve) as port:
        yield f"ws://127.0.0.1:{port}/ws/transcribe"


@pytest.mark.parametrize("backend", BACKENDS)
class TestTheSeedsList:
    """DESIGN §1, each line over a real socket, with either client."""

    def test_the_stream_ends_by_itself_with_every_sample_accounted_for(self, backend: Backend) -> None:
        with auricle() as url:
            result = talk(backend, url, chunks=[SECOND] * 4)
        assert result.texts == [COUNTED, "six seven"]
        assert result.closed.complete is True
        assert result.closed.accounting.committed == 4 * 16_000

    def test_ending_the_input_ten_times_ends_it_once(self, backend: Backend) -> None:
        with auricle() as url:
            result = talk(backend, url, chunks=[SECOND], ends=10)
        assert result.closed.complete is True
        assert [type(event).__name__ for event in result.events].count("InputEnded") == 1

    def test_no_audio_at_all(self, backend: Backend) -> None:
        with auricle() as url:
            result = talk(backend, url, chunks=[])
        assert (result.closed.complete, result.texts) == (True, [])

    def test_an_engine_error_is_told_and_the_next_utterance_works(self, backend: Backend) -> None:
        script = Script(words=COUNTING.words, period=COUNTING.period, failing_utterances=frozenset({0}))
        with auricle(script) as url:
            result = talk(backend, url, chunks=[SECOND] * 6)
        codes = [event.code for event in result.events if type(event).__name__ == "ErrorMessage"]
        assert codes == ["engine_failed"]
        assert result.texts[0].startswith("six seven")
        assert result.closed.complete is False, "the samples of the failed utterance are lost, and said to be"
        assert result.closed.accounting.dropped > 0

    def test_a_missing_model_is_an_error_and_a_close(self, backend: Backend) -> None:
        def no_model(_: LoadProgress) -> Loaded:
            raise EngineUnavailable("There is no model.")

        async def serve(*, task_status: trio.TaskStatus[int]) -> None:
            async with running_server(ServerConfig(port=0), no_model) as server:
                task_status.started(int(server.url.split(":")[2].split("/")[0]))
                await trio.sleep_forever()

        with running(serve) as port, pytest.raises(Exception, match="There is no model") as caught:
            talk(backend, f"ws://127.0.0.1:{port}", chunks=[])
        closed = caught.value.closed  # type: ignore[attr-defined]
        assert (closed.error, closed.complete, closed.code) == ("engine_unavailable", False, 4503)

    @pytest.mark.parametrize(
        ("config", "code"),
        [
            (Start(model="other"), "unsupported_model"),
            (Start(task="translate"), "invalid_config"),
            (Start(require=("teleport",)), "unsupported_feature"),
        ],
    )
    def test_what_the_engine_cannot_do_is_said_at_the_start(self, backend: Backend, config: Start, code: str) -> None:
        with auricle() as url, pytest.raises(Exception, match="The session failed") as caught:
            talk(backend, url, chunks=[], config=config)
        assert caught.value.closed.error == code  # type: ignore[attr-defined]

    def test_words_and_times_are_told_when_wanted(self, backend: Backend) -> None:
        with auricle() as url:
            result = talk(backend, url, chunks=[SECOND] * 3, config=Start(features=Features(words=True)))
        final = next(event for event in result.events if type(event).__name__ == "Final")
        assert final.words is not None  # type: ignore[union-attr]
        assert [(word.text, word.start) for word in final.words[:2]] == [("one", 0.0), ("two", 0.4)]  # type: ignore[union-attr]


def test_loading_is_told_to_a_client_that_waits() -> None:
    ready = threading.Event()

    def slow(progress: LoadProgress) -> Loaded:
        progress("Downloading the model", 0.25)
        assert ready.wait(FAR_S)
        return Loaded(engine=ScriptedEngine(COUNTING))

    async def scenario() -> None:
        with trio.fail_after(FAR_S):
            async with running_server(ServerConfig(port=0), slow) as server, trio.open_nursery() as nursery:
                open_wire = partial(open_wire_to, parse_address(server.url), [], None, 1_000_000)
                client = Client(ClientSession(Start(), now=trio.current_time()), open_wire)

                async def load_once_it_is_told() -> None:
                    await until(lambda: Loading(stage="Downloading the model", progress=0.25) in client._events._events)
                    ready.set()

                nursery.start_soon(load_once_it_is_told)
                async with run_client(client):
                    assert client.ready.server is not None

    trio.run(scenario)


@asynccontextmanager
async def legacy_socket(url: str) -> AsyncIterator[WebSocketConnection]:
    """A plain WebSocket, as the old client had."""
    host, port = url.removeprefix("ws://").split("/")[0].split(":")
    with trio.fail_after(FAR_S):
        async with open_websocket(host, int(port), "/ws/transcribe", use_ssl=False) as connection:
            yield connection


async def read_to_the_end(connection: WebSocketConnection) -> list[dict[str, Any]]:
    messages = []
    try:
        while True:
            messages.append(json.loads(await connection.get_message()))
    except ConnectionClosed as closed:
        messages.append({"type": "close", "code": None if closed.reason is None else closed.reason.code})
    return messages


def test_the_old_client_gets_its_finals_and_its_close() -> None:
    async def converse(url: str) -> list[dict[str, Any]]:
        async with legacy_socket(url) as connection:
            await connection.send_message('{"language": "en", "sample_rate": 16000, "task": "transcribe"}')
            assert json.loads(await connection.get_message()) == {
                "type": "ready",
                "message": "Ready to receive audio",
            }
            for _ in range(40):
                await connection.send_message(bytes(3_200))
            await connection.send_message("{this is not JSON")
            await connection.send_message('{"type": "end_of_stream"}')
            await connection.send_message('{"type": "end_of_stream"}')
            return await read_to_the_end(connection)

    with auricle() as url:
        *finals, close = trio.run(converse, url)
    assert [final["text"] for final in finals] == [COUNTED, "six seven"]
    assert all(set(final) == {"type", "text", "start", "end", "confidence"} for final in finals)
    assert all(0 <= final["confidence"] <= 1 for final in finals)
    assert close == {"type": "close", "code": 1000}


def test_an_old_client_that_sends_faster_than_it_is_heard_is_slowed_down_and_loses_nothing() -> None:
    async def converse(url: str) -> list[dict[str, Any]]:
        async with legacy_socket(url) as connection:
            await connection.send_message("{}")
            await connection.get_message()
            for _ in range(90):
                await connection.send_message(SECOND)
            await connection.send_message('{"type": "end_of_stream"}')
            return await read_to_the_end(connection)

    with auricle() as url:
        *finals, close = trio.run(converse, url)
    assert close["code"] == 1000
    assert sum(len(final["text"].split()) for final in finals) == 150


NEVER_S = 3_600.0
PATIENT = Limits(
    connect_timeout_s=NEVER_S, hello_timeout_s=NEVER_S, ready_timeout_s=NEVER_S, silence_timeout_s=NEVER_S,
    idle_timeout_s=NEVER_S, drain_silence_s=NEVER_S, drain_timeout_s=NEVER_S, stall_timeout_s=NEVER_S,
    write_stall_s=NEVER_S, close_timeout_s=NEVER_S,
)  # fmt: skip
"""For a test about numbers, on a machine that may have other things to do: nobody loses patience."""


def test_two_hundred_sessions_at_once_all_end_complete() -> None:
    async def scenario() -> None:
        config = ServerConfig(port=0, limits=PATIENT)
        with trio.fail_after(NEVER_S):
            async with running_server(config, ScriptedEngine(COUNTING)) as server:
                results: list[Any] = []

                async def one() -> None:
                    results.append(await run_session(server.url, chunks=5))

                async with trio.open_nursery() as nursery:
                    for _ in range(200):
                        nursery.start_soon(one)
                assert len(results) == 200
                assert all(closed.complete for closed, _ in results)
                assert {texts for _, texts in results} == {(COUNTED, "six seven eight nine ten")}
                await until(lambda: server.sessions == 0)
                await until(lambda: not parts_of_sessions())

    with nothing_older():
        trio.run(scenario)


@contextmanager
def nothing_older() -> Iterator[None]:
    """Hide from the collector what exists: millions of objects of other tests, and sessions that some abandoned."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def parts_of_sessions() -> list[str]:
    """What exists of sessions that began since then: when they are over, nothing may."""
    gc.collect()
    kinds = (Session, EngineSession, Conversation, Recogniser)
    return [type(thing).__name__ for thing in gc.get_objects() if isinstance(thing, kinds)]


async def run_session(url: str, *, chunks: int) -> tuple[Any, tuple[str, ...]]:
    async with connect(url, limits=PATIENT) as client:
        for _ in range(chunks):
            await client.send_audio(SECOND)
        await client.end_input()
        events = [event async for event in client]
    texts = tuple(event.text for event in events if type(event).__name__ == "Final")
    return events[-1], texts


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something another task will do soon; `trio.fail_after` around it makes a hang a failure."""
    while not condition():  # noqa: ASYNC110 - the other task is the server under test, which sets no event for us
        await trio.sleep(0.001)


def test_a_drain_gives_sessions_that_cannot_go_on_their_last_finals_and_takes_no_new_ones() -> None:
    async def scenario() -> None:
        with trio.fail_after(FAR_S):
            async with running_server(ServerConfig(port=0), ScriptedEngine(COUNTING)) as server:
                async with connect(server.url, Start(resume=False)) as client:
                    for _ in range(3):
                        await client.send_audio(SECOND)
                    await until(lambda: client._session.snapshot.processed == 48_000)
                    assert server.sessions == 1
                    server.drain()
                    events = [event async for event in client]
                closed = events[-1]
                assert isinstance(closed, SessionClosed)
                assert (closed.reason, closed.code, closed.complete) == ("shutdown", 1012, False)
                assert closed.retriable
                assert closed.accounting.committed == closed.accounting.received == 48_000
                assert [event.text for event in events if isinstance(event, Final) and event.text] == [COUNTED]
                await server.stopped()
                with pytest.raises(ConnectFailed):
                    async with connect(server.url):
                        pass

    trio.run(scenario)


def test_a_drain_waits_for_nobody_who_has_said_nothing_yet() -> None:
    async def scenario() -> None:
        config = ServerConfig(port=0, limits=Limits(hello_timeout_s=NEVER_S), drain_timeout_s=NEVER_S)
        with trio.fail_after(FAR_S):
            async with (
                running_server(config, ScriptedEngine(COUNTING)) as server,
                open_websocket_url(server.url, subprotocols=["auricle.v1"]),
            ):
                await until(lambda: bool(server._greetings))
                server.drain()
                await server.stopped()

    trio.run(scenario)


def test_a_handshake_that_begins_while_the_server_drains_holds_nothing_up() -> None:
    async def scenario() -> None:
        config = ServerConfig(port=0, limits=Limits(hello_timeout_s=NEVER_S), drain_timeout_s=NEVER_S)
        with trio.fail_after(FAR_S):
            async with running_server(config, ScriptedEngine(COUNTING)) as server, trio.open_nursery() as nursery:
                address = parse_address(server.url)
                stream = await trio.open_tcp_stream(address.host, address.port)
                await until(lambda: server._listener is not None and server._listener.counts.open == 1)
                server.drain()
                await wrap_client_stream(
                    nursery, stream, address.authority, address.resource, subprotocols=["auricle.v1"]
                )  # and then it says nothing
                await server.stopped()
                nursery.cancel_scope.cancel()

    trio.run(scenario)


def test_sigterm_in_the_middle_of_streams_leaves_no_client_hanging() -> None:
    command = [sys.executable, "-c", "from auricle.server.cli.main import main; main()"]
    command += ["serve", "--port", "0", "--engine", "scripted"]

    async def scenario() -> None:
        with trio.fail_after(FAR_S):
            process = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE)
            try:
                assert process.stdout is not None
                line = (await process.stdout.receive_some(4096)).decode()
                assert "scripted counting answers" in line
                url = next(word for word in line.split() if word.startswith("ws://"))
                endings: list[SessionClosed] = []
                streaming = 0

                async def stream() -> None:
                    nonlocal streaming
                    async with connect(url, Start(resume=False)) as client:
                        await client.send_audio(SECOND)
                        streaming += 1
                        endings.append([event async for event in client][-1])  # type: ignore[arg-type]

                async with trio.open_nursery() as nursery:
                    for _ in range(20):
                        nursery.start_soon(stream)
                    await until(lambda: streaming == 20)
                    process.send_signal(signal.SIGTERM)
                assert {ending.reason for ending in endings} == {"shutdown"}
                assert all(ending.complete is False for ending in endings)
                assert await process.wait() == 0
            finally:
                process.kill()

    trio.run(scenario)


def test_sigkill_in_the_middle_of_a_stream_is_told_as_a_loss() -> None:
    command = [sys.executable, "-c", "from auricle.server.cli.main import main; main()"]
    command += ["serve", "--port", "0", "--engine", "scripted"]

    async def scenario() -> None:
        with trio.fail_after(FAR_S):
            process = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE)
            try:
                assert process.stdout is not None
                line = (await process.stdout.receive_some(4096)).decode()
                url = next(word for word in line.split() if word.startswith("ws://"))
                async with connect(url, limits=Limits(reconnect_timeout_s=0.5)) as client:
                    await client.send_audio(SECOND)
                    process.kill()
                    events = [event async for event in client]
                assert [type(event) for event in events[-2:]] == [Interrupted, SessionClosed]
                closed = events[-1]
                assert isinstance(closed, SessionClosed)
                assert (closed.reason, closed.complete, closed.retriable) == ("lost", False, True)
            finally:
                process.kill()

    trio.run(scenario)


def test_an_address_in_use_is_one_sentence() -> None:
    async def scenario() -> None:
        async with running_server(ServerConfig(port=0), ScriptedEngine(COUNTING)) as server:
            taken = int(server.url.split(":")[2].split("/")[0])
            with pytest.RaisesGroup(ListenError, flatten_subgroups=True) as caught:
                async with running_server(ServerConfig(port=taken), ScriptedEngine(COUNTING)):
                    pass
            assert "another program listens there already" in str(caught.value.exceptions)

    trio.run(scenario)
