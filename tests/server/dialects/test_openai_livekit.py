"""LiveKit's own OpenAI plugin, over the realtime API, against our ``/v1/realtime``.

Its stream has no end of input: a test leaves once it has heard what it waits for.
"""

import asyncio
from typing import Any

import aiohttp
import pytest

from server.dialects.dialect_server import SECOND, DialectServer

pytest.importorskip("livekit.plugins.openai", reason="livekit-plugins-openai is not installed")

from livekit import rtc
from livekit.agents import APIConnectOptions, stt, vad
from livekit.plugins import openai

PATIENCE_S = 60.0
Kind = stt.SpeechEventType


class TwiceSilent(vad.VAD):
    """A voice detector that hears the end of speech at the end of the input, and once more where nothing was said."""

    def __init__(self) -> None:
        super().__init__(capabilities=vad.VADCapabilities(update_interval=1.0))

    def stream(self) -> vad.VADStream:
        return TwiceSilentStream(self)


class TwiceSilentStream(vad.VADStream):
    async def _main_task(self) -> None:
        async for _ in self._input_ch:
            pass
        for _ in range(2):
            self._event_ch.send_nowait(vad.VADEvent(vad.VADEventType.END_OF_SPEECH, 0, 0.0, 0.0, 0.0))


async def committed_here(server: DialectServer) -> list[stt.SpeechEvent]:
    """The events of a stream of four seconds whose segments the client closes, until both have been answered."""
    events: list[stt.SpeechEvent] = []
    async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession() as http:
        plugin = openai.STT(
            base_url=f"{server.http}/v1", api_key="any", model="gpt-realtime-whisper", vad=TwiceSilent()
        )
        plugin._session = http
        async with plugin.stream(conn_options=APIConnectOptions(max_retry=0)) as speech:
            for _ in range(4):
                speech.push_frame(rtc.AudioFrame(SECOND, 16_000, 1, 16_000))
            speech.end_input()
            async for event in speech:
                events.append(event)
                if sum(event.type is Kind.RECOGNITION_USAGE for event in events) == 2:
                    break
        await plugin.aclose()
    return events


async def first_final(server: DialectServer, **options: Any) -> list[stt.SpeechEvent]:
    events: list[stt.SpeechEvent] = []
    async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession() as http:
        plugin = openai.STT(base_url=f"{server.http}/v1", api_key="any", use_realtime=True, vad=None, **options)
        plugin._session = http
        async with plugin.stream(conn_options=APIConnectOptions(max_retry=0)) as speech:
            for _ in range(4):
                speech.push_frame(rtc.AudioFrame(SECOND, 16_000, 1, 16_000))
            async for event in speech:
                events.append(event)
                if event.type is Kind.FINAL_TRANSCRIPT:
                    break
        await plugin.aclose()
    return events


def test_speech_and_words_of_a_turn_that_the_server_finds(server: DialectServer) -> None:
    events = asyncio.run(first_final(server, model="gpt-4o-mini-transcribe"))
    assert events[-1].alternatives[0].text == "one two three four five"
    assert [event.type for event in events if event.type in (Kind.START_OF_SPEECH, Kind.END_OF_SPEECH)] == [
        Kind.START_OF_SPEECH,
        Kind.END_OF_SPEECH,
    ]


def test_keywords_and_languages_reach_the_engine(server: DialectServer) -> None:
    asyncio.run(first_final(server, model="gpt-transcribe", language=["en", "de"], keywords=["Auricle"]))
    start = next(message for message in server.traces[-1].heard if message.type == "start")
    assert (start.languages, start.bias.terms) == (("en", "de"), ("Auricle",))  # type: ignore[attr-defined]


def finals(events: list[stt.SpeechEvent]) -> list[str]:
    return [event.alternatives[0].text for event in events if event.type is Kind.FINAL_TRANSCRIPT]


def test_a_segment_that_the_client_closes_and_one_with_nothing_in_it(server: DialectServer) -> None:
    assert finals(asyncio.run(committed_here(server))) == ["one two three four five six seven"]


def test_a_stream_without_audio_that_is_left_ends_its_own_session_alone(server: DialectServer) -> None:
    async def leave(seconds: int) -> None:
        async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession() as http:
            plugin = openai.STT(base_url=f"{server.http}/v1", api_key="any", use_realtime=True, vad=None)
            plugin._session = http
            async with plugin.stream() as speech:
                for _ in range(seconds):
                    speech.push_frame(rtc.AudioFrame(SECOND, 16_000, 1, 16_000))
            await plugin.aclose()

    asyncio.run(leave(0))
    asyncio.run(leave(1))
    assert finals(asyncio.run(first_final(server))) == ["one two three four five"]


def test_ten_streams_at_once(server: DialectServer) -> None:
    async def ten() -> list[list[stt.SpeechEvent]]:
        return await asyncio.gather(*(committed_here(server) for _ in range(10)))

    assert [finals(events) for events in asyncio.run(ten())] == [["one two three four five six seven"]] * 10
