"""Any ordering of what an application, a server and a network may do: never deaf, never stuck, no word lost."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from livekit.agents import APIError
from livekit.plugins.auricle import SpeechStream

from livekit_plugin.harness import Harness, Heard, listen, now, run_scenario, speak
from livekit_plugin.simulated_server import SimulatedServer

DRAIN_S = 10.0
LEAVING_S = 1.0
RETRIES = 50


class Step(NamedTuple):
    """One thing that happens, and for how long, where that means something."""

    what: str
    tenths: int = 0


STEPS = st.one_of(
    st.builds(Step, st.just("word"), st.integers(1, 3)),
    st.builds(Step, st.just("word"), st.integers(1, 3)),
    st.builds(Step, st.just("silence"), st.integers(1, 5)),
    st.builds(Step, st.just("silence"), st.integers(4, 5)),
    st.builds(Step, st.just("wait"), st.integers(0, 30)),
    st.builds(Step, st.sampled_from(["flush", "language", "keyterms", "reads late"])),
    st.builds(Step, st.sampled_from(["cut", "restart", "fatal error", "shutdown", "half open", "hang up", "garbage"])),
    st.builds(Step, st.just("away"), st.integers(1, 60)),
)


async def act(harness: Harness, stream: SpeechStream, step: Step, word: int) -> None:
    server = harness.server
    match step.what:
        case "word":
            await speak(stream, word, blocks=10 * step.tenths)
        case "silence":
            await speak(stream, 0, blocks=10 * step.tenths)
        case "wait":
            await asyncio.sleep(step.tenths / 10)
        case "flush":
            stream.flush()
        case "language":
            harness.stt.update_options(language="de" if word % 2 else "en")
        case "keyterms":
            harness.stt._update_session_keyterms([f"term {word}"])
        case "cut":
            server.cut()
        case "restart":
            server.cut(forget=True)
        case "fatal error":
            for conversation in server.each():
                conversation.post(lambda at, it=conversation: it.session.fail("internal", "oops", now=at))
        case "shutdown":
            for conversation in server.each():
                conversation.post(lambda at, it=conversation: it.session.stop_input("shutdown", now=at))
        case "half open":
            for conversation in server.each():
                conversation.wire.half_open = conversation.wire.other.half_open = True
        case "hang up":
            for conversation in server.each():
                conversation.wire.hang_up(1011)
        case "garbage":
            for conversation in server.each():
                conversation.wire.other.deliver("?")
        case "away":
            server.down = True
            server.cut()
            await asyncio.sleep(step.tenths / 10)
            server.down = False


def play(steps: Sequence[Step], *, leaves: bool) -> None:
    async def scenario(harness: Harness) -> None:
        heard, stream = Heard(), harness.open(max_retry=RETRIES)
        listening = asyncio.create_task(listen(stream, heard))
        said = 0
        for step in steps:
            said += step.what == "word"
            await act(harness, stream, step, said)
            assert not stream._task.done(), "the stream ends only with its input"
        began = now()
        if leaves:
            await stream.aclose()
            assert now() - began <= LEAVING_S
            assert "InputFinished" not in harness.server.heard or "shutdown" in [step.what for step in steps]
            listening.cancel()
            return
        stream.end_input()
        await listening
        heard.check()
        assert heard.error is None or isinstance(heard.error, APIError)
        assert heard.error is None, heard.error
        numbers = [int(word.removeprefix("w")) for word in heard.words]
        assert numbers == sorted(numbers), "words come in order"
        assert set(numbers) == set(range(1, said + 1)), "no word is lost"
        assert stream.report.complete is True
        assert len(stream._accounting.uncommitted._chunks) == 0

    with pytest.MonkeyPatch.context() as monkeypatch:
        run_scenario(monkeypatch, SimulatedServer(), scenario, drain_timeout=DRAIN_S, max_backlog=300.0)


@settings(max_examples=60)
@given(st.lists(STEPS, max_size=12))
def test_a_stream_that_is_ended_tells_everything_and_ends(steps: list[Step]) -> None:
    play(steps, leaves=False)


@settings(max_examples=30)
@given(st.lists(STEPS, max_size=8))
def test_a_stream_that_is_left_is_gone_at_once(steps: list[Step]) -> None:
    play(steps, leaves=True)
