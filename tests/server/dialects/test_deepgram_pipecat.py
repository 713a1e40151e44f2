"""Pipecat's own Deepgram service against our ``/v1/listen``, with its address set.

At the end of a pipeline it leaves without waiting for what is not final; its voice detector asks for that before.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

pytest.importorskip("pipecat", reason="pipecat-ai is not installed")

from pipecat.frames.frames import CancelFrame, STTUpdateSettingsFrame, TranscriptionFrame
from pipecat.services.deepgram.stt import DeepgramSTTService
from pipecat_plugin.running_pipeline import RunningPipeline

from server.dialects.dialect_server import SECOND, DialectServer

PATIENCE_S = 60.0
COUNTED = "one two three four five"


async def session(server: DialectServer, act: Callable[[RunningPipeline], Awaitable[None]]) -> RunningPipeline:
    pipeline = RunningPipeline(DeepgramSTTService(api_key="any", base_url=server.ws))
    async with asyncio.timeout(PATIENCE_S):
        await pipeline.begin()
        try:
            await act(pipeline)
        finally:
            await pipeline.end(CancelFrame())
    return pipeline


def run(server: DialectServer, act: Callable[[RunningPipeline], Awaitable[None]]) -> RunningPipeline:
    return asyncio.run(session(server, act))


async def four_seconds(pipeline: RunningPipeline) -> None:
    await pipeline.speech_begins()
    for _ in range(4):
        await pipeline.hear(SECOND)
    await pipeline.sink.until(TranscriptionFrame)
    await pipeline.speech_ends()
    await pipeline.sink.until(TranscriptionFrame, 2)
    await pipeline.end()


def connection(pipeline: RunningPipeline) -> Any:
    service: Any = pipeline.stt
    return service._connection


async def another_connection(pipeline: RunningPipeline, before: object) -> None:
    while connection(pipeline) in (None, before):  # noqa: ASYNC110  # it tells nobody
        await asyncio.sleep(0.01)


def test_the_words_of_a_turn_and_its_finalised_end(server: DialectServer) -> None:
    pipeline = run(server, four_seconds)
    assert [(frame.text, frame.finalized) for frame in pipeline.finals] == [(COUNTED, False), ("six seven", True)]
    assert all(COUNTED.startswith(frame.text) or "six seven".startswith(frame.text) for frame in pipeline.interims)
    assert pipeline.interims
    assert pipeline.ttfb_s
    assert pipeline.errors == []


def test_the_end_of_speech_where_nothing_is_pending(server: DialectServer) -> None:
    async def act(pipeline: RunningPipeline) -> None:
        await pipeline.speech_ends()
        await pipeline.hear(SECOND)
        await pipeline.speech_ends()
        await pipeline.speech_ends()
        await pipeline.sink.until(TranscriptionFrame)
        await pipeline.end()

    pipeline = run(server, act)
    assert [(frame.text, frame.finalized) for frame in pipeline.finals] == [("one two", True)]
    assert pipeline.errors == []


def test_an_empty_session_ends(server: DialectServer) -> None:
    async def act(pipeline: RunningPipeline) -> None:
        await pipeline.end()

    pipeline = run(server, act)
    assert (pipeline.finals, pipeline.errors) == ([], [])


def test_settings_reach_the_engine_over_a_new_session(server: DialectServer) -> None:
    async def act(pipeline: RunningPipeline) -> None:
        before = connection(pipeline)
        await pipeline.hear(SECOND)
        await pipeline.worker.queue_frame(
            STTUpdateSettingsFrame(delta=DeepgramSTTService.Settings(language="de", keyterm=["Auricle"]))
        )
        await another_connection(pipeline, before)  # audio would overtake the change
        await pipeline.hear(SECOND)
        await pipeline.speech_ends()
        await pipeline.sink.until(TranscriptionFrame)
        await pipeline.end()

    pipeline = run(server, act)
    start: Any = server.traces[-1].heard[0]
    assert (start.language, start.bias.terms) == ("de", ("Auricle",))
    assert pipeline.errors == []


def test_after_a_cut_it_goes_on_in_another_session(server: DialectServer) -> None:
    async def act(pipeline: RunningPipeline) -> None:
        await pipeline.hear(SECOND)
        before = connection(pipeline)
        before._websocket.transport.abort()
        await another_connection(pipeline, before)
        await pipeline.hear(SECOND)
        await pipeline.speech_ends()
        await pipeline.sink.until(TranscriptionFrame)
        await pipeline.end()

    pipeline = run(server, act)
    assert pipeline.words == ["one", "two"]
    assert pipeline.stt.is_usable


def test_ten_sessions_at_once(server: DialectServer) -> None:
    async def ten() -> list[RunningPipeline]:
        return await asyncio.gather(*(session(server, four_seconds) for _ in range(10)))

    assert [pipeline.words for pipeline in asyncio.run(ten())] == [[*COUNTED.split(), "six", "seven"]] * 10
