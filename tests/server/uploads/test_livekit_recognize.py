"""LiveKit's OpenAI and Deepgram plugins, one recording at a time: nothing is changed but their base URL."""

import asyncio
from typing import Any

import aiohttp
import pytest
from livekit import rtc
from livekit.agents import APIConnectOptions, APIStatusError

from server.uploads.upload_server import FAR_S, TEN_NUMBERS, UploadServer, upload_server

SECONDS = 6


def silence(seconds: float) -> rtc.AudioFrame:
    """Silence, in which the scripted engine hears numbers: ten in six seconds."""
    samples = round(seconds * 16_000)
    return rtc.AudioFrame(bytes(2 * samples), 16_000, 1, samples)


def recognized(make: Any, *, seconds: float = SECONDS, times: int = 1) -> list[Any]:
    """What a plugin makes of a recording, so many times at once."""

    async def recognize() -> list[Any]:
        async with aiohttp.ClientSession() as session:
            plugin, once = make(session), APIConnectOptions(max_retry=0)
            asked = (plugin.recognize([silence(seconds)], conn_options=once) for _ in range(times))
            return await asyncio.wait_for(asyncio.gather(*asked), FAR_S)

    return asyncio.run(recognize())


def openai_of(server: UploadServer, model: str = "whisper-1") -> Any:
    openai = pytest.importorskip("livekit.plugins.openai")
    return lambda _: openai.STT(base_url=f"{server.url}/v1", api_key="any", model=model, language="en")


def deepgram_of(server: UploadServer) -> Any:
    deepgram = pytest.importorskip("livekit.plugins.deepgram")
    return lambda session: deepgram.STT(base_url=f"{server.url}/v1/listen", api_key="any", http_session=session)


BOTH = pytest.mark.parametrize("make_of", [openai_of, deepgram_of])


@pytest.mark.parametrize("model", ["gpt-4o-mini-transcribe", "whisper-1"])
def test_openai(server: UploadServer, model: str) -> None:
    (event,) = recognized(openai_of(server, model))
    assert event.alternatives[0].text == TEN_NUMBERS


def test_deepgram(server: UploadServer) -> None:
    (event,) = recognized(deepgram_of(server))
    (best,) = event.alternatives
    assert best.text == TEN_NUMBERS
    assert [str(word) for word in best.words] == TEN_NUMBERS.split()
    assert (best.words[1].start_time, best.words[1].end_time) == (0.4, 0.8)


def test_a_recording_without_a_sample_is_an_error_of_openai_and_an_empty_transcript_of_deepgram(
    server: UploadServer,
) -> None:
    with pytest.raises(APIStatusError) as refused:
        recognized(openai_of(server), seconds=0.0)
    assert refused.value.status_code == 400
    (event,) = recognized(deepgram_of(server), seconds=0.0)
    assert event.alternatives[0].text == ""


def test_a_recording_that_is_too_large_is_an_error() -> None:
    """A body that is the recording itself, as Deepgram's, has no limit."""
    with upload_server(max_upload_bytes=50_000) as server:
        with pytest.raises(APIStatusError) as refused:
            recognized(openai_of(server))
        assert refused.value.status_code == 413


@BOTH
def test_one_that_is_left_leaves_nothing_behind_and_ten_go_on(server: UploadServer, make_of: Any) -> None:
    async def leave() -> None:
        async with aiohttp.ClientSession() as session:
            asked = asyncio.ensure_future(make_of(server)(session).recognize([silence(60.0)]))
            await asyncio.sleep(0)
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)

    asyncio.run(leave())
    assert [event.alternatives[0].text for event in recognized(make_of(server), times=10)] == [TEN_NUMBERS] * 10
    server.wait_until_idle()
