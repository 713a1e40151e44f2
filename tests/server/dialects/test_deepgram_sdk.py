"""Deepgram's own client for Python against our ``/v1/listen``, unchanged but for its addresses."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from server.dialects.dialect_server import SECOND, DialectServer

pytest.importorskip("deepgram", reason="deepgram-sdk is not installed")

import websockets
from deepgram import AsyncDeepgramClient
from deepgram.core.api_error import ApiError
from deepgram.core.events import EventType
from deepgram.environment import DeepgramClientEnvironment
from deepgram.listen.v1.types import ListenV1Configure

PATIENCE_S = 60.0
COUNTED = "one two three four five"


class Heard:
    """Everything that the client was told."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.errors: list[Any] = []
        self._more = asyncio.Event()

    def take(self, message: Any) -> None:
        self.messages.append(message)
        self._more.set()

    async def told(self, name: str) -> None:
        while not self.of(name):
            self._more = asyncio.Event()
            await self._more.wait()

    def of(self, name: str) -> list[Any]:
        return [message for message in self.messages if message.type == name]

    def texts(self, **wanted: bool) -> list[str]:
        return [
            result.channel.alternatives[0].transcript
            for result in self.of("Results")
            if result.is_final and all(getattr(result, key) is value for key, value in wanted.items())
        ]

    @property
    def words(self) -> list[str]:
        return [text for text in self.texts() if text]


async def session(server: DialectServer, act: Callable[[Any, Heard], Awaitable[None]], **options: Any) -> Heard:
    """Connect, act, and listen until the server closes, which is the only end that the client has."""
    addresses = DeepgramClientEnvironment(base=server.http, production=server.ws, agent=server.ws, agent_rest="")
    client = AsyncDeepgramClient(api_key="any", environment=addresses)
    heard = Heard()
    options = {"model": "nova-3", "encoding": "linear16", "sample_rate": 16_000, **options}
    async with asyncio.timeout(PATIENCE_S), client.listen.v1.connect(**options) as socket:
        socket.on(EventType.MESSAGE, heard.take)
        socket.on(EventType.ERROR, heard.errors.append)
        listening = asyncio.create_task(socket.start_listening())
        await act(socket, heard)
        await listening
    return heard


def run(server: DialectServer, act: Callable[[Any, Heard], Awaitable[None]], **options: Any) -> Heard:
    return asyncio.run(session(server, act, **options))


async def four_seconds(socket: Any, heard: Heard) -> None:
    for _ in range(4):
        await socket.send_media(SECOND)
    await socket.send_close_stream()


def test_every_word_once_then_the_metadata_and_a_normal_close(server: DialectServer) -> None:
    heard = run(server, four_seconds)
    assert heard.texts() == [COUNTED, "six seven"]
    assert not heard.errors
    (metadata,) = heard.of("Metadata")
    assert heard.messages[-1] is metadata
    assert metadata.duration == 4.0
    assert len(metadata.sha256) == 64


def test_results_have_words_with_times_and_confidences(server: DialectServer) -> None:
    first = run(server, four_seconds, keyterm=["one"]).of("Results")[0]
    word = first.channel.alternatives[0].words[1]
    assert (word.word, word.start, word.end, word.confidence) == ("two", 0.4, 0.8, 0.9)
    assert (first.start, first.is_final, first.speech_final) == (0.0, True, True)
    assert first.metadata.model_info.name == "counting"


def test_interim_results_only_where_they_are_asked_for(server: DialectServer) -> None:
    assert all(result.is_final for result in run(server, four_seconds).of("Results"))
    heard = run(server, four_seconds, interim_results=True)
    interim = [result.channel.alternatives[0].transcript for result in heard.of("Results") if not result.is_final]
    assert interim
    assert all(COUNTED.startswith(text) or "six seven".startswith(text) for text in interim)


def test_speech_events_and_the_end_of_an_utterance(server: DialectServer) -> None:
    async def with_a_pause(socket: Any, heard: Heard) -> None:
        for _ in range(28):  # five words take 2.0 s, and 1.0 s of silence follows
            await socket.send_media(bytes(3_200))
        await heard.told("UtteranceEnd")
        await socket.send_close_stream()

    heard = run(server, with_a_pause, vad_events=True, interim_results=True, utterance_end_ms=500)
    assert [event.timestamp for event in heard.of("SpeechStarted")] == [0.0]
    assert [event.last_word_end for event in heard.of("UtteranceEnd")] == [2.0]


def test_finalize_is_answered_also_where_nothing_is_pending(server: DialectServer) -> None:
    async def finalize_often(socket: Any, heard: Heard) -> None:
        await socket.send_keep_alive()
        await socket.send_finalize()
        await socket.send_media(SECOND)
        await socket.send_finalize()
        await socket.send_finalize()
        await socket.send_close_stream()
        await socket.send_keep_alive()

    heard = run(server, finalize_often)
    assert heard.texts(from_finalize=True) == ["", "one two", ""]
    assert heard.words == ["one two"]


def test_an_empty_session_ends_too(server: DialectServer) -> None:
    async def nothing(socket: Any, heard: Heard) -> None:
        await socket.send_close_stream()

    heard = run(server, nothing)
    assert [message.type for message in heard.messages] == ["Metadata"]


def test_keyterms_change_in_mid_stream(server: DialectServer) -> None:
    async def configure(socket: Any, heard: Heard) -> None:
        await socket.send_media(SECOND)
        await socket.send_configure(ListenV1Configure(keyterms=["Auricle"], features={"numerals": True}))
        await socket.send_media(SECOND)
        await socket.send_configure(ListenV1Configure(keyterms=["x"] * 501))
        await socket.send_close_stream()

    heard = run(server, configure)
    (done,) = heard.of("ConfigureSuccess")
    (failed,) = heard.of("ConfigureFailure")
    assert (done.keyterms, failed.code) == (["Auricle"], "CONFIGURE_KEYTERM_LIMIT_EXCEEDED")
    change = next(message for message in server.traces[-1].heard if message.type == "configure")
    assert change.set == {"bias": {"terms": ["Auricle"]}}  # type: ignore[attr-defined]
    assert {"numerals"} <= {warning["parameter"] for warning in heard.of("Metadata")[0].warnings}


def test_keyterms_reach_the_engine_and_switched_off_features_are_accepted(server: DialectServer) -> None:
    off = dict.fromkeys(("detect_entities", "diarize", "dictation", "multichannel", "numerals"), "false")
    heard = run(server, four_seconds, keyterm=["Auricle", "pebble"], keywords=["sphinx:2"], channels=1, **off)
    start = server.traces[-1].heard[0]
    assert start.bias.terms == ("Auricle", "pebble", "sphinx")  # type: ignore[attr-defined]
    assert [warning["parameter"] for warning in heard.of("Metadata")[0].warnings] == ["model"]


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("callback=http://x&encoding=linear16", "no callbacks"),
        ("channels=2&encoding=linear16", "one channel"),
        ("multichannel=true&encoding=linear16", "one channel"),
        ("encoding=speex", "encoding 'speex'"),
        ("encoding=linear16&sample_rate=3", "sample_rate"),
    ],
)
def test_what_cannot_be_had_is_refused_with_a_sentence(server: DialectServer, query: str, what: str) -> None:
    async def connect() -> None:
        async with websockets.connect(f"{server.ws}/v1/listen?{query}"):
            pass

    with pytest.raises(websockets.InvalidStatus) as refused:
        asyncio.run(connect())
    response = refused.value.response
    said = json.loads(response.body)
    assert (response.status_code, said["err_code"]) == (400, "INVALID_QUERY_PARAMETER")
    assert what in said["err_msg"]
    assert said["request_id"] == response.headers["dg-request-id"]


def test_the_sdk_tells_a_refusal_as_its_own_error(server: DialectServer) -> None:
    with pytest.raises(ApiError) as refused:
        run(server, four_seconds, channels=2)
    assert refused.value.status_code == 400


def test_a_message_that_is_too_long_ends_its_own_session_alone(server: DialectServer) -> None:
    async def oversize(socket: Any, heard: Heard) -> None:
        await socket.send_media(bytes(2 * 1024 * 1024))

    heard = run(server, oversize)
    assert heard.errors
    assert [(error.variant, "at most 1048576 bytes" in error.description) for error in heard.of("Error")] == [
        ("too_large", True)
    ]
    assert run(server, four_seconds).texts() == [COUNTED, "six seven"]


def test_a_cut_connection_ends_its_own_session_alone(server: DialectServer) -> None:
    async def cut(socket: Any, heard: Heard) -> None:
        await socket.send_media(SECOND)
        socket._websocket.transport.abort()

    with suppress(websockets.ConnectionClosed):  # the SDK closes what it has lost
        run(server, cut)
    assert run(server, four_seconds).texts() == [COUNTED, "six seven"]


def test_ten_sessions_at_once(server: DialectServer) -> None:
    async def ten() -> list[Heard]:
        return await asyncio.gather(*(session(server, four_seconds) for _ in range(10)))

    assert [heard.texts() for heard in asyncio.run(ten())] == [[COUNTED, "six seven"]] * 10


@pytest.mark.parametrize("scheme", ["token", "bearer"])
def test_a_key_in_the_subprotocols_selects_its_scheme_and_is_not_sent_back(server: DialectServer, scheme: str) -> None:
    async def browser() -> str | None:
        url = f"{server.ws}/v1/listen?encoding=linear16"
        async with asyncio.timeout(PATIENCE_S), websockets.connect(url, subprotocols=[scheme, "s3cret"]) as socket:  # type: ignore[list-item]
            await socket.send('{"type":"CloseStream"}')
            async for _ in socket:
                pass
            assert (socket.close_code, socket.response.headers["dg-request-id"] is None) == (1000, False)
            return socket.subprotocol

    assert asyncio.run(browser()) == scheme
