"""Pipecat's own realtime service for OpenAI against our ``/v1/realtime``, with its address set.

At the end of a pipeline it leaves without waiting for what is not final; its voice detector asks for that before.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

pytest.importorskip("pipecat", reason="pipecat-ai is not installed")

from pipecat.frames.frames import (
    CancelFrame,
    ProposedUserStartedSpeakingFrame,
    ProposedUserStoppedSpeakingFrame,
    STTUpdateSettingsFrame,
    TranscriptionFrame,
)
from pipecat.services.openai.stt import OpenAIRealtimeSTTService
from pipecat_plugin.running_pipeline import RunningPipeline

from server.dialects.dialect_server import SECOND, DialectServer

PATIENCE_S = 60.0
COUNTED = "one two three four five"


async def session(
    server: DialectServer, act: Callable[[RunningPipeline], Awaitable[None]], **options: Any
) -> RunningPipeline:
    service = OpenAIRealtimeSTTService(api_key="any", base_url=f"{server.ws}/v1/realtime", **options)
    pipeline = RunningPipeline(service)
    async with asyncio.timeout(PATIENCE_S):
        await pipeline.begin()
        while not service._session_ready:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.01)
        try:
            await act(pipeline)
        finally:
            await pipeline.end(CancelFrame())
    return pipeline


def run(server: DialectServer, act: Callable[[RunningPipeline], Awaitable[None]], **options: Any) -> RunningPipeline:
    return asyncio.run(session(server, act, **options))


async def two_turns(pipeline: RunningPipeline) -> None:
    for turn in (1, 2):
        await pipeline.speech_begins()
        await pipeline.hear(SECOND)
        await pipeline.hear(SECOND)
        await pipeline.speech_ends()
        await pipeline.sink.until(TranscriptionFrame, turn)
    await pipeline.end()


def test_each_end_of_speech_commits_a_turn(server: DialectServer) -> None:
    pipeline = run(server, two_turns)
    assert len(pipeline.finals) == 2
    assert pipeline.words[:4] == ["one", "two", "three", "four"]
    assert pipeline.errors == []


def test_the_server_finds_the_turns_where_it_is_asked_to(server: DialectServer) -> None:
    async def act(pipeline: RunningPipeline) -> None:
        for _ in range(4):
            await pipeline.hear(SECOND)
        await pipeline.sink.until(ProposedUserStoppedSpeakingFrame)
        await pipeline.sink.until(TranscriptionFrame)
        await pipeline.end()

    pipeline = run(server, act, turn_detection={"type": "server_vad"})
    assert pipeline.finals[0].text == COUNTED
    assert "".join(frame.text for frame in pipeline.interims).startswith(COUNTED)
    assert pipeline.sink.of(ProposedUserStartedSpeakingFrame)
    assert pipeline.errors == []


def test_an_empty_session_ends_and_so_does_a_turn_without_audio(server: DialectServer) -> None:
    async def act(pipeline: RunningPipeline) -> None:
        await pipeline.speech_ends()
        await pipeline.hear(SECOND)
        await pipeline.speech_ends()
        await pipeline.sink.until(TranscriptionFrame)
        await pipeline.end()

    async def nothing(pipeline: RunningPipeline) -> None:
        await pipeline.end()

    pipeline = run(server, act)
    assert (len(pipeline.finals), pipeline.errors) == (1, [])
    pipeline = run(server, nothing)
    assert (pipeline.finals, pipeline.errors) == ([], [])


def test_settings_reach_the_engine_in_mid_stream(server: DialectServer) -> None:
    async def act(pipeline: RunningPipeline) -> None:
        await pipeline.hear(SECOND)
        settings = OpenAIRealtimeSTTService.Settings(language="de", prompt="Auricle", model="gpt-transcribe")
        await pipeline.worker.queue_frame(STTUpdateSettingsFrame(delta=settings))
        await pipeline.hear(SECOND)
        await pipeline.speech_ends()
        await pipeline.sink.until(TranscriptionFrame)
        await pipeline.end()

    pipeline = run(server, act)
    changes = [message for message in server.traces[-1].heard if message.type == "configure"]
    said: Any = changes[-1]
    assert said.set["language"] == "de"
    assert said.set["bias"]["prompt"] == "Auricle"
    assert pipeline.errors == []


def test_after_a_cut_it_goes_on_in_another_session(server: DialectServer) -> None:
    async def act(pipeline: RunningPipeline) -> None:
        await pipeline.hear(SECOND)
        service: Any = pipeline.stt
        before = service._websocket
        before.transport.abort()
        while service._websocket in (None, before) or not service._session_ready:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.01)
        await pipeline.hear(SECOND)
        await pipeline.speech_ends()
        await pipeline.sink.until(TranscriptionFrame)
        await pipeline.end()

    pipeline = run(server, act)
    assert pipeline.words[0] == "one"
    assert pipeline.stt.is_usable


def test_ten_sessions_at_once(server: DialectServer) -> None:
    async def ten() -> list[RunningPipeline]:
        return await asyncio.gather(*(session(server, two_turns) for _ in range(10)))

    assert [len(pipeline.finals) for pipeline in asyncio.run(ten())] == [2] * 10
