"""LiveKit's OpenAI and Deepgram plugins, one recording at a time: nothing is changed but their base URL."""

import asyncio
from typing import Any

import aiohttp
import pytest
from livekit import rtc

from server.uploads.upload_server import FAR_S, TEN_NUMBERS, UploadServer

SECONDS = 6


def recognized(make: Any) -> Any:
    """What a plugin makes of six seconds of silence, in which the scripted engine hears ten numbers."""

    async def recognize() -> Any:
        async with aiohttp.ClientSession() as session:
            frame = rtc.AudioFrame(bytes(SECONDS * 32_000), 16_000, 1, SECONDS * 16_000)
            return await asyncio.wait_for(make(session).recognize([frame]), FAR_S)

    return asyncio.run(recognize())


@pytest.mark.parametrize("model", ["gpt-4o-mini-transcribe", "whisper-1"])
def test_openai(server: UploadServer, model: str) -> None:
    openai = pytest.importorskip("livekit.plugins.openai")
    event = recognized(lambda _: openai.STT(base_url=f"{server.url}/v1", api_key="any", model=model, language="en"))
    assert event.alternatives[0].text == TEN_NUMBERS


def test_deepgram(server: UploadServer) -> None:
    deepgram = pytest.importorskip("livekit.plugins.deepgram")
    event = recognized(
        lambda session: deepgram.STT(base_url=f"{server.url}/v1/listen", api_key="any", http_session=session)
    )
    (best,) = event.alternatives
    assert best.text == TEN_NUMBERS
    assert [str(word) for word in best.words] == TEN_NUMBERS.split()
    assert (best.words[1].start_time, best.words[1].end_time) == (0.4, 0.8)
