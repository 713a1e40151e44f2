"""LiveKit's own Deepgram plugin against our ``/v1/listen``, with its address set."""

import asyncio
from typing import Any

import aiohttp
import pytest

from server.dialects.dialect_server import SECOND, DialectServer

pytest.importorskip("livekit.plugins.deepgram", reason="livekit-plugins-deepgram is not installed")

from livekit import rtc
from livekit.agents import APIConnectOptions, APIStatusError, stt
from livekit.plugins import deepgram

PATIENCE_S = 60.0
Kind = stt.SpeechEventType


async def stream(server: DialectServer, steps: list[str], **options: Any) -> list[stt.SpeechEvent]:
    """Push audio (``"s"``: a second) and flushes (``"f"``), end the input, and return all events."""
    options = {"base_url": f"{server.ws}/v1/listen", "api_key": "any", "sample_rate": 16_000, **options}
    events = []
    async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession() as http:
        plugin = deepgram.STT(http_session=http, **options)
        async with plugin.stream(conn_options=APIConnectOptions(max_retry=0)) as speech:
            for step in steps:
                if step == "f":
                    speech.flush()
                else:
                    speech.push_frame(rtc.AudioFrame(SECOND, 16_000, 1, 16_000))
            speech.end_input()
            async for event in speech:
                events.append(event)
    return events


def finals(events: list[stt.SpeechEvent]) -> list[str]:
    return [event.alternatives[0].text for event in events if event.type is Kind.FINAL_TRANSCRIPT]


def test_the_words_of_a_stream_and_its_end(server: DialectServer) -> None:
    events = asyncio.run(stream(server, ["s"] * 4))
    assert finals(events) == ["one two three four five", "six seven"]
    kinds = [event.type for event in events if event.type in (Kind.START_OF_SPEECH, Kind.END_OF_SPEECH)]
    assert kinds == [Kind.START_OF_SPEECH, Kind.END_OF_SPEECH] * 2
    words = next(event for event in events if event.type is Kind.FINAL_TRANSCRIPT).alternatives[0].words
    assert words is not None
    assert [str(word) for word in words] == ["one", "two", "three", "four", "five"]
    # The plugin adds the time since the stream was made, a fraction of a microsecond here.
    assert [word.start_time for word in words] == pytest.approx([0.0, 0.4, 0.8, 1.2, 1.6], abs=0.001)


def test_a_flush_with_something_pending_and_one_with_nothing(server: DialectServer) -> None:
    events = asyncio.run(stream(server, ["f", "s", "f", "f"]))
    assert finals(events) == ["one two"]


async def left(server: DialectServer) -> None:
    """Push a second, and leave without waiting for anything."""
    async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession() as http:
        plugin = deepgram.STT(base_url=f"{server.ws}/v1/listen", api_key="any", sample_rate=16_000, http_session=http)
        async with plugin.stream() as speech:
            speech.push_frame(rtc.AudioFrame(SECOND, 16_000, 1, 16_000))


def test_ten_streams_at_once_one_without_audio_and_one_that_is_left(server: DialectServer) -> None:
    """All at once, because the plugin takes five seconds to end each."""

    async def act() -> list[list[stt.SpeechEvent]]:
        whole, empty = (stream(server, ["s"] * 4) for _ in range(10)), stream(server, [])
        *heard, _ = await asyncio.gather(*whole, empty, left(server))
        return heard

    *whole, empty = asyncio.run(act())
    assert [finals(events) for events in whole] == [["one two three four five", "six seven"]] * 10
    assert finals(empty) == []


def test_a_refusal_reaches_the_application(server: DialectServer) -> None:
    with pytest.raises(APIStatusError) as refused:
        asyncio.run(stream(server, ["s"], sample_rate=3_000))
    assert refused.value.status_code == 400
