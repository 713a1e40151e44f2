"""Pipecat's own service for OpenAI, a recording for each utterance, against ours with its address set."""

import asyncio
from typing import Any

import pytest

pytest.importorskip("pipecat", reason="pipecat-ai is not installed")

from pipecat.frames.frames import CancelFrame, TranscriptionFrame
from pipecat.services.openai.stt import OpenAISTTService
from pipecat_plugin.running_pipeline import RunningPipeline

from server.uploads.upload_server import FAR_S, UploadServer

SECOND = bytes(32_000)
HALF_A_SECOND = 0.5
"""Silence that the service adds behind each utterance."""


async def utterance(server: UploadServer, seconds: int, **options: Any) -> RunningPipeline:
    service = OpenAISTTService(api_key="any", base_url=f"{server.url}/v1", **options)
    pipeline = RunningPipeline(service)
    async with asyncio.timeout(FAR_S):
        await pipeline.begin()
        try:
            if seconds:
                await pipeline.speech_begins()
                for _ in range(seconds):
                    await pipeline.hear(SECOND)
                await pipeline.speech_ends()
                await pipeline.sink.until(TranscriptionFrame)
            await pipeline.end()
        finally:
            await pipeline.end(CancelFrame())
    return pipeline


def test_an_utterance(server: UploadServer) -> None:
    pipeline = asyncio.run(utterance(server, 3))
    (final,) = pipeline.finals
    assert final.text.startswith("one two three four five")
    assert final.finalized
    assert pipeline.errors == []


def test_keywords_a_prompt_and_probabilities_may_be_asked_for(server: UploadServer) -> None:
    settings = OpenAISTTService.Settings(model="whisper-1", keywords=["Auricle"], prompt="Hello.", temperature=0.0)
    pipeline = asyncio.run(utterance(server, 3, settings=settings, include_prob_metrics=True))
    assert pipeline.words[:2] == ["one", "two"]
    assert pipeline.errors == []


def test_a_pipeline_without_speech_ends(server: UploadServer) -> None:
    pipeline = asyncio.run(utterance(server, 0))
    assert (pipeline.finals, pipeline.errors) == ([], [])


def test_ten_at_once(server: UploadServer) -> None:
    async def ten() -> list[RunningPipeline]:
        return await asyncio.gather(*(utterance(server, 3) for _ in range(10)))

    assert [len(pipeline.finals) for pipeline in asyncio.run(ten())] == [1] * 10
