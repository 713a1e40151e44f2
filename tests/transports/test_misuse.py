"""What the client says to those who use it otherwise than it is meant: one sentence, with the remedy."""

import array
import asyncio
import gc
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import numpy as np
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from auricle.core import AudioFormat, Interrupted, Limits, Start
from auricle.transports import asyncio as asyncio_transport
from auricle.transports import trio as trio_transport
from auricle.transports.audio_buffers import audio_bytes
from auricle.transports.connecting import Connecting
from auricle.transports.errors import ConnectFailed, InvalidURL
from auricle.transports.testing.driver_harness import DriverHarness, run_scenario
from transports.drivers import DRIVERS

either = pytest.mark.parametrize("transport", [trio_transport, asyncio_transport], ids=["trio", "asyncio"])
RUN = {trio_transport: trio.run, asyncio_transport: lambda function: asyncio.run(function())}


# ------------------------------------------------------------------------------------------------ audio


@pytest.mark.parametrize(
    ("data", "encoding", "sentence"),
    [
        (np.zeros(3), "pcm_s16le", r"an array of float64, and the session was started with encoding='pcm_s16le': "
         r"soundfile\.read\(path, dtype='int16'\)"),
        (np.zeros(3, np.float32), "pcm_s16le", "an array of float32"),
        (np.zeros(3, np.int16), "pcm_f32le", r"an array of int16, .* audio\.astype\('float32'\)"),
        (np.zeros(3, np.int32), "pcm_s16le", "an array of int32"),
        (np.zeros(3, ">i2"), "pcm_s16le", "an array of '>h'"),
        (np.zeros(3, np.int16), "mulaw", r"an array of int16, .* give bytes of mulaw"),
        ([0, 1], "pcm_s16le", "takes bytes or an array of samples, not list"),
        ("text", "pcm_s16le", "takes bytes or an array of samples, not str"),
    ],
)  # fmt: skip
def test_an_array_of_another_kind_is_refused(data: object, encoding: str, sentence: str) -> None:
    with pytest.raises(TypeError, match=sentence) as caught:
        audio_bytes(data, encoding)
    assert str(caught.value).endswith(".")


def test_arrays_of_the_right_kind_and_bytes_are_taken() -> None:
    stereo = np.array([[1, 2], [3, 4]], "<i2")
    assert bytes(audio_bytes(stereo, "pcm_s16le")) == stereo.tobytes()
    assert bytes(audio_bytes(stereo[:, 1], "pcm_s16le")) == stereo[:, 1].tobytes(), "with a stride"
    assert bytes(audio_bytes(array.array("h", [1, 2]), "pcm_s16le")) == b"\1\0\2\0"
    assert bytes(audio_bytes(np.zeros(2, np.float32), "pcm_f32le")) == bytes(8)
    assert bytes(audio_bytes(np.zeros((0, 2), np.int16), "pcm_s16le")) == b""
    for encoding in ("pcm_s16le", "pcm_f32le", "mulaw", "alaw"):
        for plain in (b"abc", bytearray(b"abc"), memoryview(b"abc"), np.frombuffer(b"abc", np.uint8)):
            assert bytes(audio_bytes(plain, encoding)) == b"abc"


@given(st.binary(), st.integers(1, 3))
def test_any_bytes_come_out_as_they_are(data: bytes, step: int) -> None:
    assert bytes(audio_bytes(memoryview(data)[::step], "pcm_s16le")) == data[::step]


@pytest.mark.parametrize("driver", ["trio", "asyncio"])
def test_half_a_sample_at_the_end_is_a_warning(driver: str) -> None:
    async def scenario(harness: DriverHarness) -> None:
        harness.peer.ready()
        async with harness.connect() as client:
            await client.send_audio(bytes(5))
            with pytest.warns(RuntimeWarning, match=r"ends in the middle of a sample \(1 of its 2 bytes\)"):
                await client.end_input()
            await client.end_input()  # a second time says nothing
            harness.peer.hang_up()

    run_scenario(*DRIVERS[driver], scenario)


@pytest.mark.parametrize("driver", ["trio", "asyncio"])
@pytest.mark.parametrize("quiet", [None, "ended", "told not to"])
def test_an_end_that_was_perhaps_forgotten_is_told_once(driver: str, quiet: str | None) -> None:
    async def scenario(harness: DriverHarness) -> None:
        harness.peer.ready()
        async with harness.connect() as client:
            await client.send_audio(bytes(640))
            if quiet == "ended":
                await client.end_input()
            elif quiet == "told not to":
                client.driven.warns_after_s = None
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                async for event in client:  # the peer says nothing, until it counts as lost
                    if isinstance(event, Interrupted):
                        break
            sentences = [str(each.message) for each in told]
            assert [sentence[:38] for sentence in sentences] == (
                [] if quiet else ["No audio has been sent for 30 s, and t"]
            )
            harness.peer.hang_up()

    run_scenario(*DRIVERS[driver], scenario)


# ------------------------------------------------------------------------------------------------ connect


@either
def test_wrong_arguments_are_told_at_once(transport: Any) -> None:
    with pytest.raises(TypeError, match=r"as auricle\.core\.Start, not dict: write connect\(url, Start\("):
        transport.connect("ws://127.0.0.1:1", {"language": "en"})
    with pytest.raises(TypeError, match=r"takes a URL such as .*, not int"):
        transport.connect(8765)


@either
def test_a_forgotten_async_with_is_told(transport: Any) -> None:
    async def awaited() -> None:
        await transport.connect("ws://127.0.0.1:1")

    with pytest.raises(TypeError, match=r"is not awaited: write `async with connect\(url\) as session:`"):
        RUN[transport](awaited)
    with pytest.raises(AttributeError, match="There is no session yet with a 'send_audio': write `async with"):
        transport.connect("ws://127.0.0.1:1").send_audio(b"")


@either
def test_entering_raises_as_before(transport: Any) -> None:
    async def enter(url: str) -> None:
        async with transport.connect(url, Start(audio=AudioFormat())):
            pytest.fail("there is no server")

    for url, error in (("nonsense", InvalidURL), ("ws://127.0.0.1:1", ConnectFailed)):
        with pytest.raises(error):
            RUN[transport](lambda url=url: enter(url))


# ------------------------------------------------------------------------------------------------ no server


def why(transport: Any, url: str) -> str:
    """What `connect` says, one sentence, where there is no session to be had."""

    async def enter() -> None:
        async with transport.connect(url, limits=Limits(connect_timeout_s=1.0)):
            pytest.fail("there is no server")

    with pytest.raises(ConnectFailed) as caught:
        RUN[transport](enter)
    return str(caught.value)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, "no server listens there: start it with `auricle serve`, or check the address"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
         "HTTP 404: it has no WebSocket at this path: check the address"),
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
         "HTTP 401: it wants a valid API key: give api_key (to a command --api-key, or AURICLE_API_KEY)"),
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
         "HTTP 400: it takes no such request: write wss:// in the address where it has TLS"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
         "HTTP 403: it refuses this client, for its key's scope or its page's origin: look at its log"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "it is not a WebSocket server"),
    ],
)  # fmt: skip
def test_why_there_is_no_session_is_said_in_the_same_words_on_either_loop(answer: bytes | None, expected: str) -> None:
    with answering(answer) as port:
        said = {why(transport, f"ws://127.0.0.1:{port}") for transport in (trio_transport, asyncio_transport)}
    assert said == {f"The connection could not be made: ws://127.0.0.1:{port}/ws/transcribe: {expected}."}


def test_a_server_that_only_hangs_up_is_tried_for_the_time_to_connect_and_then_said() -> None:
    with answering(b"") as port:
        said = {why(transport, f"ws://127.0.0.1:{port}") for transport in (trio_transport, asyncio_transport)}
    (sentence,) = said
    assert sentence.startswith("No server took the session within 1 s. ")
    assert sentence.endswith("it took the connection, and ended it before it had answered: check what listens there.")


@either
def test_a_host_that_does_not_exist_is_said(transport: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "there is no host 'nowhere.example': check the address" in why(transport, "ws://nowhere.example:1")


@contextmanager
def answering(answer: bytes | None) -> Iterator[int]:
    """A port where a server says ``answer`` to whoever connects; None: nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if answer is not None:
            threading.Thread(target=partial(_answer, listener, answer), daemon=True).start()
            yield port
            return
    yield port


def _answer(listener: socket.socket, answer: bytes) -> None:
    with suppress(OSError):
        while True:
            with listener.accept()[0] as connection:
                connection.recv(4096)
                connection.sendall(answer)


def test_a_session_that_is_dropped_unclosed_warns_and_leaves_no_task() -> None:
    """The event loop of the kit raises `AssertionError` for a task that is left behind."""

    async def dropped(harness: DriverHarness) -> None:
        harness.peer.ready()
        entered = [Connecting(harness.connect())]
        client = await entered[0].__aenter__()
        with pytest.warns(ResourceWarning, match="dropped without being closed: leave the block of `async with"):
            entered.clear()
        gc.collect()
        await harness.loop.settle()
        harness.peer.hang_up()
        await harness.loop.sleep(10.0)
        assert client.closed is not None

    run_scenario(*DRIVERS["asyncio"], dropped)


def test_a_session_that_is_closed_warns_of_nothing(recwarn: pytest.WarningsRecorder) -> None:
    async def closed(harness: DriverHarness) -> None:
        harness.peer.ready()
        async with Connecting(harness.connect()):
            pass
        gc.collect()

    run_scenario(*DRIVERS["asyncio"], closed)
    assert not [warning for warning in recwarn if issubclass(warning.category, ResourceWarning)]
