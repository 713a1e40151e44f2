"""Every behaviour of a server after the end of input, at every point of a stream: it ends, and its report is true."""

import asyncio
from typing import Literal, get_args

import pytest
from livekit.agents import APIError
from livekit.plugins.auricle import SpeechStream

from livekit_plugin.harness import Harness, Heard, listen, now, push, run_scenario, speak
from livekit_plugin.simulated_server import AfterEnd, SimulatedServer

Ending = Literal["before connecting", "with zero audio", "in the middle of a word", "twice"]
DRAIN_S = 10.0
LEAVING_S = 1.0
"""What a closing handshake, or an abort, may add."""


async def speak_and_end(stream: SpeechStream, ending: Ending) -> list[str]:
    """Return the words that were said."""
    match ending:
        case "before connecting":
            push(stream, 1, 2, 0, 0, 0, 0, 3)
            stream.end_input()
            return ["w1", "w2", "w3"]
        case "with zero audio":
            await asyncio.sleep(0.1)
            stream.end_input()
            return []
        case "in the middle of a word":
            await speak(stream, 1, 2, 0, 0, 0, 0, 3)
            stream.end_input()
            return ["w1", "w2", "w3"]
        case "twice":
            await speak(stream, 1, 2, 0, 0, 0, 0, 3)
            stream.end_input()
            stream.end_input()
            return ["w1", "w2", "w3"]


@pytest.mark.parametrize("ending", get_args(Ending))
@pytest.mark.parametrize("after_end", get_args(AfterEnd))
def test_the_stream_ends_inside_its_bound_and_tells_the_truth(
    monkeypatch: pytest.MonkeyPatch, after_end: AfterEnd, ending: Ending
) -> None:
    async def scenario(harness: Harness) -> None:
        heard, stream = Heard(), harness.open()
        said = await speak_and_end(stream, ending)
        began = now()
        await listen(stream, heard)
        heard.check()
        assert heard.ended_at is not None
        # What a connection that is got back brings is progress, and progress is waited on anew.
        news = min(1, stream.report.interruptions)
        assert heard.ended_at - began <= DRAIN_S * (1 + news) + LEAVING_S
        assert heard.words == said[: len(heard.words)], "no final is lost, none comes twice"
        assert heard.error is None or isinstance(heard.error, APIError)
        if heard.error is None:
            assert stream.report.complete is (heard.words == said)
        if after_end in ("closes", "resets"):
            assert (heard.words, heard.error) == (said, None)
            assert heard.ended_at - began < 0.5
        if after_end == "never closes":
            assert (heard.words, heard.error) == (said, None)
        if ending == "with zero audio":
            assert heard.error is None
            assert heard.ended_at - began <= 2 * LEAVING_S

    run_scenario(monkeypatch, SimulatedServer(after_end=after_end), scenario, drain_timeout=DRAIN_S)


def test_an_engine_at_work_is_waited_for_however_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is on standstill, not on work: a slow server that gets on is not given up."""

    async def scenario(harness: Harness) -> None:
        heard, stream = Heard(), harness.open()
        harness.server.processing_delay_s = 0.5
        push(stream, 1, 2, 0, 0, 0, 0, 3)
        stream.end_input()
        await listen(stream, heard)
        assert (heard.words, heard.error) == (["w1", "w2", "w3"], None)
        assert heard.ended_at is not None
        assert heard.ended_at > 10 * 2.0

    run_scenario(monkeypatch, SimulatedServer(), scenario, drain_timeout=2.0)
