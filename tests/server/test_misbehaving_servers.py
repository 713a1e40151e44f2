"""The promise on real sockets: whatever a server does, the consumer finishes and says whether it is complete."""

import json
import threading

import pytest
import trio
from trio_websocket import WebSocketConnection

from auricle.core import Limits
from auricle.transports.errors import ConnectFailed
from server.clients import BACKENDS, Backend, talk
from server.misbehaving_servers import READY, hear, raw, reset, running, say, say_closed, say_final, websocket

pytestmark = pytest.mark.parametrize("backend", BACKENDS)
QUICK = Limits(
    connect_timeout_s=0.5,
    ready_timeout_s=0.3,
    drain_silence_s=0.3,
    legacy_drain_silence_s=0.3,
    close_timeout_s=0.3,
    abort_timeout_s=0.3,
)
SECOND = bytes(32_000)


async def _open(connection: WebSocketConnection) -> None:
    await hear(connection, "start")
    await say(connection, **READY)


async def _end(connection: WebSocketConnection) -> int:
    total = int((await hear(connection, "end_input"))["total"])
    await say(connection, type="input_ended", seq=2, received=total, by="client")
    return total


def test_one_that_never_closes_after_its_last_word(backend: Backend) -> None:
    async def behave(connection: WebSocketConnection) -> None:
        await _open(connection)
        total = await _end(connection)
        await say_final(connection, 3, total)
        await say_closed(connection, 4, total, 1)
        connection._reader_running = False  # deaf from now on: our Close frame is never answered

    with running(websocket(behave)) as port:
        result = talk(backend, f"ws://127.0.0.1:{port}", chunks=[SECOND], limits=QUICK)
    assert result.texts == ["the last words"]
    assert result.closed.complete is True


def test_one_that_goes_mute_after_the_end_of_input(backend: Backend) -> None:
    async def behave(connection: WebSocketConnection) -> None:
        await _open(connection)
        await hear(connection, "end_input")

    with running(websocket(behave)) as port:
        result = talk(backend, f"ws://127.0.0.1:{port}", chunks=[SECOND], limits=QUICK)
    assert (result.closed.error, result.closed.complete) == ("drain_timeout", False)


def test_one_that_closes_at_once(backend: Backend) -> None:
    async def behave(connection: WebSocketConnection) -> None:
        await connection.aclose(1000)

    with (
        running(websocket(behave)) as port,
        pytest.raises(ConnectFailed, match=r"closed \(code 1000\)|could not be made") as caught,
    ):
        talk(backend, f"ws://127.0.0.1:{port}", chunks=[], limits=QUICK)
    assert caught.value.closed.complete is False


def test_one_that_closes_normally_before_it_is_done(backend: Backend) -> None:
    async def behave(connection: WebSocketConnection) -> None:
        await _open(connection)
        total = await _end(connection)
        await say_final(connection, 3, total)
        await connection.aclose(1000)

    with running(websocket(behave)) as port:
        result = talk(backend, f"ws://127.0.0.1:{port}", chunks=[SECOND], limits=QUICK)
    assert result.texts == ["the last words"]
    assert (result.closed.reason, result.closed.complete) == ("lost", False)


def test_one_that_says_nothing(backend: Backend) -> None:
    async def behave(connection: WebSocketConnection) -> None:
        await trio.sleep_forever()

    with running(websocket(behave)) as port, pytest.raises(ConnectFailed) as caught:
        talk(backend, f"ws://127.0.0.1:{port}", chunks=[], limits=QUICK)
    assert caught.value.closed.error == "ready_timeout"


@pytest.mark.parametrize("rubbish", ["]]", "[]", "{}", '{"type":"final"}', '{"type":"ready","seq":7}', '{"type":7}'])
def test_one_that_sends_rubbish(backend: Backend, rubbish: str) -> None:
    async def behave(connection: WebSocketConnection) -> None:
        await _open(connection)
        await connection.send_message(rubbish)

    with running(websocket(behave)) as port:
        result = talk(backend, f"ws://127.0.0.1:{port}", chunks=[SECOND], limits=QUICK)
    assert (result.closed.reason, result.closed.complete) == ("violation", False)


def test_one_that_resets_the_connection_after_the_last_final(backend: Backend) -> None:
    seen = threading.Event()

    async def behave(connection: WebSocketConnection) -> None:
        await _open(connection)
        total = await _end(connection)
        await say_final(connection, 3, total)
        await trio.to_thread.run_sync(seen.wait, 10)
        reset(connection)

    with running(websocket(behave)) as port:
        result = talk(
            backend,
            f"ws://127.0.0.1:{port}",
            chunks=[SECOND],
            limits=QUICK,
            on_event=lambda event: seen.set() if type(event).__name__ == "Final" else None,
        )
    assert result.texts == ["the last words"]
    assert (result.closed.reason, result.closed.complete) == ("lost", False)


@pytest.mark.parametrize("legacy", [False, True], ids=["v1", "legacy"])
def test_one_that_hangs_up_without_a_close_frame(backend: Backend, legacy: bool) -> None:
    async def behave(connection: WebSocketConnection) -> None:
        if legacy:
            await connection.get_message()
            await connection.send_message('{"type":"ready","message":"ready"}')
            while not isinstance(await connection.get_message(), str):
                pass
        else:
            await _open(connection)
            await _end(connection)
        await connection._stream.aclose()  # an end of file, which is not a Close frame

    with running(websocket(behave, legacy=legacy)) as port:
        result = talk(backend, f"ws://127.0.0.1:{port}", chunks=[SECOND], limits=QUICK, allow_legacy=legacy)
    assert (result.closed.reason, result.closed.complete) == ("lost", False)


def test_one_that_claims_completeness_for_audio_it_never_committed(backend: Backend) -> None:
    async def behave(connection: WebSocketConnection) -> None:
        await _open(connection)
        total = await _end(connection)
        await say_closed(connection, 3, total, 1)  # a final that never came

    with running(websocket(behave)) as port:
        result = talk(backend, f"ws://127.0.0.1:{port}", chunks=[SECOND], limits=QUICK)
    assert result.closed.reason == "completed"
    assert result.closed.complete is False
    assert "0 of 1 finals" in result.closed.message


def test_one_that_hangs_up_during_the_handshake(backend: Backend) -> None:
    async def behave(stream: trio.SocketStream) -> None:
        await stream.receive_some(10)
        await stream.aclose()

    with running(raw(behave)) as port, pytest.raises(ConnectFailed) as caught:
        talk(backend, f"ws://127.0.0.1:{port}", chunks=[], limits=QUICK)
    assert caught.value.closed.error == "connect_timeout", "another connection might have been answered"
    assert "ended it before it had answered" in str(caught.value)


def test_one_that_is_not_a_websocket_server(backend: Backend) -> None:
    async def behave(stream: trio.SocketStream) -> None:
        await stream.receive_some(4096)
        await stream.send_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope")
        await stream.aclose()

    with running(raw(behave)) as port, pytest.raises(ConnectFailed, match="HTTP 404") as caught:
        talk(backend, f"ws://127.0.0.1:{port}", chunks=[], limits=QUICK)
    assert not caught.value.closed.retriable


def test_one_that_speaks_no_http(backend: Backend) -> None:
    async def behave(stream: trio.SocketStream) -> None:
        await stream.send_all(b"220 mail.example ESMTP\r\n")
        await trio.sleep_forever()

    with running(raw(behave)) as port, pytest.raises(ConnectFailed):
        talk(backend, f"ws://127.0.0.1:{port}", chunks=[], limits=QUICK)


def test_one_that_switches_to_nothing(backend: Backend) -> None:
    async def behave(stream: trio.SocketStream) -> None:
        await stream.receive_some(4096)
        await stream.send_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        await trio.sleep_forever()

    with running(raw(behave)) as port, pytest.raises(ConnectFailed) as caught:
        talk(backend, f"ws://127.0.0.1:{port}", chunks=[], limits=QUICK)
    assert caught.value.closed.complete is False


def test_one_that_floods_a_client_that_is_leaving(backend: Backend) -> None:
    async def behave(connection: WebSocketConnection) -> None:
        await _open(connection)
        total = await _end(connection)
        await say_final(connection, 3, total)
        await say_closed(connection, 4, total, 1)
        await connection.send_message("x" * (2 * QUICK.max_message_bytes))

    with running(websocket(behave)) as port:
        result = talk(backend, f"ws://127.0.0.1:{port}", chunks=[SECOND], limits=QUICK)
    assert result.texts == ["the last words"]
    assert result.closed.complete is True


def test_a_legacy_server_is_refused_unless_allowed(backend: Backend) -> None:
    async def behave(connection: WebSocketConnection) -> None:
        await connection.get_message()

    with running(websocket(behave, legacy=True)) as port, pytest.raises(ConnectFailed, match=r"auricle\.v1"):
        talk(backend, f"ws://127.0.0.1:{port}", chunks=[], limits=QUICK)


def test_a_legacy_server_is_used_when_allowed_and_its_transcript_is_unverified(backend: Backend) -> None:
    heard: list[str] = []

    async def behave(connection: WebSocketConnection) -> None:
        heard.append(str(await connection.get_message()))
        await connection.send_message('{"type":"ready","message":"Ready to receive audio"}')
        while not isinstance(frame := await connection.get_message(), str):
            pass
        heard.append(frame)
        final = {"type": "final", "text": "old words", "start": 0.0, "end": 0.5, "confidence": -0.25}
        await connection.send_message(json.dumps(final))
        await connection.aclose(1000)

    with running(websocket(behave, legacy=True)) as port:
        result = talk(backend, f"ws://127.0.0.1:{port}", chunks=[SECOND], limits=QUICK, allow_legacy=True)
    assert json.loads(heard[0]) == {"language": None, "sample_rate": 16_000, "task": "transcribe"}
    assert heard[1] == '{"type":"end_of_stream"}'
    assert result.texts == ["old words"]
    assert (result.closed.reason, result.closed.complete) == ("completed", None)
