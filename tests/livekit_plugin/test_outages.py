"""A server that goes away: what a stream waits for, what it leaves to the next one, and what an adapter is told."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from livekit.agents import AgentSession, APIConnectionError, TurnHandlingOptions
from livekit.agents.stt import FallbackAdapter, SpeechEventType
from livekit.plugins.auricle import STT, leftover

from auricle.transports.asyncio import client as asyncio_client
from livekit_plugin.agent_harness import SessionLog, converse
from livekit_plugin.harness import EPOCH_S, Harness, Heard, listen, now, push, run_scenario, speak
from livekit_plugin.releases import NEEDS_CONVERSATION
from livekit_plugin.simulated_server import SimulatedServer

OTHER = "other.invalid"
WORD = (1, 0, 0, 0, 0)
"""A word and the silence that ends an utterance, half a second in all."""


async def until(seconds: float) -> None:
    await asyncio.sleep(seconds - now())


def sentence(first: int, count: int) -> tuple[int, ...]:
    return tuple(value for word in range(first, first + count) for value in (word, *WORD[1:]))


@contextmanager
def away(harness: Harness) -> Iterator[None]:
    """The server is killed: it loses its sessions, and refuses connections until the end of the block."""
    harness.server.down = True
    harness.server.cut(forget=True)
    try:
        yield
    finally:
        harness.server.down = False


@pytest.mark.parametrize("seconds", [5, 12, 20, 40, 80])
def test_an_outage_costs_no_word_and_no_error_that_counts(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    async def scenario(harness: Harness) -> None:
        heard, stream = Heard(), harness.open()
        listening = asyncio.create_task(listen(stream, heard))
        await speak(stream, *sentence(1, 4), 5)
        with away(harness):
            await speak(stream, *sentence(6, 2 * seconds))
        await speak(stream, *sentence(6 + 2 * seconds, 6))
        stream.end_input()
        await listening
        heard.check()
        assert heard.words == [f"w{word}" for word in range(1, 12 + 2 * seconds)]
        assert heard.error is None
        assert [error for error in harness.errors if not error.recoverable] == []
        report = stream.report
        assert (report.complete, report.lost, report.handed_on) == (True, 0.0, 0.0)
        assert report.pushed == pytest.approx(0.1 + 5 * (2 * seconds + 10) / 10)

    run_scenario(monkeypatch, SimulatedServer(), scenario)


def test_a_server_that_is_back_is_found_within_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(harness: Harness) -> None:
        heard, stream = Heard(), harness.open()
        listening = asyncio.create_task(listen(stream, heard))
        await speak(stream, *sentence(1, 2))
        with away(harness):
            await speak(stream, *sentence(3, 80))
        back, sessions = now(), len(harness.server.starts)
        while len(harness.server.starts) == sessions:
            assert now() < back + 1.1
            await speak(stream, 0)
        stream.end_input()
        await listening

    run_scenario(monkeypatch, SimulatedServer(), scenario)


def test_what_is_longer_than_the_backlog_is_given_up_and_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(harness: Harness) -> None:
        heard, stream = Heard(), harness.open(max_retry=0)
        listening = asyncio.create_task(listen(stream, heard))
        await speak(stream, *sentence(1, 2))
        with away(harness):
            await speak(stream, 3, 0, 0)
            await listening
        assert isinstance(heard.error, APIConnectionError)
        assert [error.recoverable for error in harness.errors].count(False) == 1
        report = stream.report
        assert report.lost > 0.2
        assert report.pushed == pytest.approx(report.decided + report.lost)
        assert 5.0 <= now() <= 20.0

    run_scenario(monkeypatch, SimulatedServer(), scenario, max_backlog=5.0)
    assert "of audio are lost" in caplog.text


def test_a_server_that_never_was_there_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(harness: Harness) -> None:
        harness.server.down = True
        heard, stream = Heard(), harness.open(max_retry=1, timeout=1.0)
        push(stream, 1)
        await listen(stream, heard)
        assert isinstance(heard.error, APIConnectionError)
        assert heard.ended_at is not None
        assert heard.ended_at < 3.0
        assert stream.report.lost == pytest.approx(0.1), "what was pushed and never sent is lost too"

    run_scenario(monkeypatch, SimulatedServer(), scenario)


def test_a_session_that_ends_in_mid_sentence_and_goes_on_is_no_end_of_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(harness: Harness) -> None:
        heard, stream = Heard(), harness.open()
        listening = asyncio.create_task(listen(stream, heard))
        await speak(stream, 1, 2)
        for conversation in harness.server.each():
            conversation.post(lambda at, it=conversation: it.session.stop_input("session_limit", now=at))
        await speak(stream, 3, 4)
        with away(harness):
            await speak(stream, 5, 6)
        await speak(stream, 7, 0, 0, 0, 0)
        stream.end_input()
        await listening
        heard.check()
        assert len(heard.of(SpeechEventType.END_OF_SPEECH)) == 1
        assert heard.words[-6:] == ["w2", "w3", "w4", "w5", "w6", "w7"]

    run_scenario(monkeypatch, SimulatedServer(), scenario)


def test_speech_that_another_session_does_not_find_again_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(harness: Harness) -> None:
        heard, stream = Heard(), harness.open()
        listening = asyncio.create_task(listen(stream, heard))
        await speak(stream, 1)
        stream._accounting.uncommitted.commit(stream._accounting.uncommitted.end)  # as if all of it had been decided
        with away(harness):
            await speak(stream, 0, 0)
        await speak(stream, *[0] * 10)
        assert len(heard.of(SpeechEventType.END_OF_SPEECH)) == 1
        stream.end_input()
        await listening
        heard.check()

    run_scenario(monkeypatch, SimulatedServer(), scenario)


class TestFromStreamToStream:
    @NEEDS_CONVERSATION
    def test_the_next_stream_of_the_conversation_gets_what_was_undecided(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scene(harness: Harness, session: AgentSession[Any], log: SessionLog) -> None:
            await until(3.05)
            harness.server.refusal = ("invalid_config", "it was configured wrongly")
            harness.server.cut(forget=True)
            await until(3.6)
            harness.server.refusal = None
            await until(15.0)

        log = converse(
            monkeypatch,
            SimulatedServer(),
            scene,
            handling=TurnHandlingOptions(turn_detection="stt"),
            hears=(*sentence(1, 12), *[0] * 60),
        )
        assert [error.error.recoverable for error in log.errors].count(False) >= 1, "a stream has failed"
        assert log.closed[0].error is None
        assert " ".join(text for _, text in log.finals).split() == [f"w{word}" for word in range(1, 13)]
        for turn in log.turns:
            first = int(turn.text.split()[0][1:])
            if 6 <= first <= 8:
                continue  # the framework itself kept these until there was a stream, and they count from then on
            began_s = turn.metrics["started_speaking_at"] - EPOCH_S
            assert began_s == pytest.approx(1.0 + 0.5 * (first - 1), abs=0.03), "times are those of the speaker"

    def test_a_stream_of_somebody_else_gets_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            heard, stream = Heard(), harness.open(max_retry=0)
            await speak(stream, 1)
            harness.server.refusal = ("invalid_config", "it was configured wrongly")
            harness.server.cut(forget=True)
            await listen(stream, heard)
            assert heard.error is not None
            assert stream.report.lost > 0
            harness.server.refusal = None
            heard, stream = Heard(), harness.open()
            push(stream, 2)
            stream.end_input()
            await listen(stream, heard)
            assert heard.words == ["w2"]

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_a_framework_that_names_no_conversation_is_lived_with(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(leftover, "PIPELINE_VARIABLE", "_NoSuchVariable")
        assert leftover.current_conversation() is None


class TestUnderAnAdapter:
    @pytest.mark.parametrize("cut", [True, False])
    def test_it_fails_over_within_two_seconds(self, monkeypatch: pytest.MonkeyPatch, cut: bool) -> None:
        """``cut``: the server dies in mid-conversation; otherwise it was never there."""

        async def scenario(harness: Harness) -> None:
            stand_in = SimulatedServer()
            other = STT(url=f"ws://{OTHER}")

            def route(address: Any, *arguments: Any) -> Any:
                server = stand_in if OTHER in address.url else harness.server
                return server.open_websocket(address, *arguments)

            # Inside what the harness has put there, which comes back first.
            with monkeypatch.context() as patch:
                patch.setattr(asyncio_client, "open_websocket", route)
                adapter = FallbackAdapter([harness.stt, other])
                changed: list[float] = []
                adapter.on("stt_availability_changed", lambda event: changed.append(now()))
                harness.server.down = not cut
                heard, stream = Heard(), adapter.stream()
                listening = asyncio.create_task(listen(stream, heard))  # type: ignore[arg-type]
                push_at = now()
                if cut:
                    await speak(stream, *sentence(1, 4))  # type: ignore[arg-type]
                    push_at = now()
                    harness.server.down = True
                    harness.server.cut(forget=True)
                await speak(stream, *sentence(5, 10))  # type: ignore[arg-type]
                assert changed
                assert changed[0] - push_at <= 2.0
                stream.end_input()
                await listening
                await stream.aclose()
                await adapter.aclose()
                await other.aclose()
                await stand_in.aclose()
                assert heard.words[-8:] == [f"w{word}" for word in range(7, 15)]

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    @NEEDS_CONVERSATION
    def test_another_auricle_takes_over_what_was_undecided(self, monkeypatch: pytest.MonkeyPatch) -> None:
        failed_over = asyncio.Event()

        def with_stand_in(harness: Harness) -> FallbackAdapter:
            adapter = FallbackAdapter([harness.stt, Harness(harness.server).stt])
            adapter.on("stt_availability_changed", lambda event: failed_over.set())
            return adapter

        async def scene(harness: Harness, session: AgentSession[Any], log: SessionLog) -> None:
            await until(3.1)
            harness.server.down = True
            harness.server.cut(forget=True)
            await failed_over.wait()
            harness.server.down = False
            await until(20.0)

        log = converse(
            monkeypatch,
            SimulatedServer(),
            scene,
            handling=TurnHandlingOptions(turn_detection="stt"),
            hears=(*sentence(1, 12), *[0] * 30),
            stt=with_stand_in,
        )
        assert " ".join(text for _, text in log.finals).split() == [f"w{word}" for word in range(1, 13)]


def test_an_adapter_is_known_by_its_listening(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(harness: Harness) -> None:
        assert not harness.stt.has_stand_in
        adapter = FallbackAdapter([harness.stt, Harness(harness.server).stt])
        assert harness.stt.has_stand_in
        await adapter.aclose()

    run_scenario(monkeypatch, SimulatedServer(), scenario)
