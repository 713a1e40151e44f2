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
from livekit.agents import APIConnectOptions, stt
from livekit.plugins import openai

PATIENCE_S = 60.0
Kind = stt.SpeechEventType


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
