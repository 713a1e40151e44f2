"""A real `AgentSession` in every mode of turn detection, its times compared with those of the scripted speech.

The microphone gives silence for a second. Positions on the clock are seconds of virtual time since the first frame.
"""

import asyncio
from typing import Any

import pytest
from livekit.agents import AgentSession, CloseReason, TurnHandlingOptions
from livekit.agents.stt import FallbackAdapter, MultiSpeakerAdapter, StreamAdapter

from livekit_plugin.agent_harness import VAD_SILENCE_S, FakeLLM, FakeVAD, SessionLog, converse
from livekit_plugin.fake_engine import SILENCE_BLOCKS, TIMEOUT_BLOCKS
from livekit_plugin.harness import Harness, Heard, listen, now, push, run_scenario, speak
from livekit_plugin.releases import NEEDS_END_TIME, NEEDS_MANUAL_FLUSH
from livekit_plugin.simulated_server import SimulatedServer

MIN_DELAY_S = 0.5
SERVER_SILENCE_S = SILENCE_BLOCKS / 100
QUIET = (0,) * 20
WORDS = (1, 2)
SPOKEN_UNTIL = 1.2
"""True end of what ``WORDS`` say."""


async def until(seconds: float) -> None:
    await asyncio.sleep(seconds - now())


async def three_seconds(harness: Harness, session: AgentSession[Any], log: SessionLog) -> None:
    await until(3.0)


def turn_of(log: SessionLog) -> tuple[float, str, float, float]:
    assert len(log.turns) == 1
    turn = log.turns[0]
    return turn.at, turn.text, turn.metrics["transcription_delay"], turn.metrics["end_of_turn_delay"]


@NEEDS_END_TIME
def test_mode_stt_commits_the_turn_counted_from_the_true_end_of_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    log = converse(
        monkeypatch,
        SimulatedServer(),
        three_seconds,
        handling=TurnHandlingOptions(turn_detection="stt"),
        hears=(*WORDS, *QUIET),
    )
    at, text, transcription_delay, end_of_turn_delay = turn_of(log)
    assert text == "w1 w2"
    assert at == pytest.approx(SPOKEN_UNTIL + MIN_DELAY_S, abs=0.03)
    assert transcription_delay == pytest.approx(SERVER_SILENCE_S, abs=0.05)
    assert end_of_turn_delay == pytest.approx(MIN_DELAY_S, abs=0.05)
    assert log.states == ["speaking", "listening"]


@NEEDS_MANUAL_FLUSH
def test_mode_vad_flushes_and_has_its_final_before_the_server_would_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    log = converse(
        monkeypatch,
        SimulatedServer(),
        three_seconds,
        handling=TurnHandlingOptions(turn_detection="vad"),
        hears=(*WORDS, *QUIET),
        vad=FakeVAD(),
    )
    at, text, transcription_delay, _ = turn_of(log)
    assert text == "w1 w2"
    assert at == pytest.approx(SPOKEN_UNTIL + MIN_DELAY_S, abs=0.03)
    assert transcription_delay == pytest.approx(VAD_SILENCE_S, abs=0.04)
    assert transcription_delay < SERVER_SILENCE_S


@NEEDS_MANUAL_FLUSH
def test_mode_manual_a_commit_returns_as_soon_as_the_flush_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    took: list[tuple[float, str]] = []

    async def scene(harness: Harness, session: AgentSession[Any], log: SessionLog) -> None:
        for at in (1.25, 2.5, 2.6):  # in mid-utterance, after a silence, and once more
            await until(at)
            text = await session.commit_user_turn(transcript_timeout=2.0)
            took.append((now() - at, text))
        await until(4.0)

    log = converse(
        monkeypatch,
        SimulatedServer(),
        scene,
        handling=TurnHandlingOptions(turn_detection="manual"),
        hears=(*WORDS, *QUIET),
    )
    assert [text for _, text in took] == ["w1 w2", "", ""]
    assert max(seconds for seconds, _ in took) < 0.1
    assert [turn.text for turn in log.turns if turn.text] == ["w1 w2"]


@pytest.mark.parametrize("mode", ["stt", "vad", "manual"])
def test_hanging_up_in_mid_word_keeps_the_last_words(monkeypatch: pytest.MonkeyPatch, mode: Any) -> None:
    async def scene(harness: Harness, session: AgentSession[Any], log: SessionLog) -> None:
        await until(1.2)
        await session.aclose()
        assert now() < 2.0

    log = converse(
        monkeypatch,
        SimulatedServer(),
        scene,
        handling=TurnHandlingOptions(turn_detection=mode),
        hears=(1, 2, 3, *QUIET),
        vad=FakeVAD() if mode == "vad" else None,
    )
    assert " ".join(text for _, text in log.finals).startswith("w1 w2")


def test_a_preflight_starts_the_model_before_the_final(monkeypatch: pytest.MonkeyPatch) -> None:
    model = FakeLLM()

    async def scene(harness: Harness, session: AgentSession[Any], log: SessionLog) -> None:
        await until(2.5)

    log = converse(
        monkeypatch,
        SimulatedServer(),
        scene,
        handling=TurnHandlingOptions(turn_detection="stt", preemptive_generation={"enabled": True}),
        hears=(*WORDS, *QUIET),
        llm=model,
        preflight_after=0.1,
    )
    final_at = log.finals[0][0]
    asked_at, about = model.requests[0]
    assert about == "w1 w2"
    assert asked_at < final_at - 0.05
    assert len(model.requests) == 1, "what was generated early is used"


def telling_turns() -> SimulatedServer:
    server = SimulatedServer()
    server.turn_detector = "even"
    return server


BREATH = (0,) * 5
"""Half a second: more than ends an utterance; a turn that ends with an odd word goes on."""


@NEEDS_END_TIME
def test_mode_stt_a_sentence_with_a_breath_is_one_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    model = FakeLLM()
    log = converse(
        monkeypatch,
        telling_turns(),
        three_seconds,
        handling=TurnHandlingOptions(turn_detection="stt", preemptive_generation={"enabled": True}),
        hears=(1, 3, *BREATH, 5, 2, *QUIET),
        llm=model,
    )
    at, text, _, end_of_turn_delay = turn_of(log)
    assert text == "w1 w3 w5 w2"
    assert at == pytest.approx(1.9 + MIN_DELAY_S, abs=0.03)
    assert end_of_turn_delay == pytest.approx(MIN_DELAY_S, abs=0.05)
    assert log.states == ["speaking", "listening"]
    assert [about for _, about in model.requests] == ["w1 w3 w5 w2"], "nothing is begun at the breath"
    assert model.requests[0][0] < at - 0.3, "and the answer before the turn is committed"


def test_mode_stt_without_a_detector_a_breath_ends_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    log = converse(
        monkeypatch,
        SimulatedServer(),
        three_seconds,
        handling=TurnHandlingOptions(turn_detection="stt"),
        hears=(1, 3, *BREATH, 5, 2, *QUIET),
    )
    assert log.states == ["speaking", "listening"] * 2


@NEEDS_END_TIME
def test_mode_stt_an_end_that_is_not_recognised_is_waited_for_no_longer_than_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = converse(
        monkeypatch,
        telling_turns(),
        three_seconds,
        handling=TurnHandlingOptions(turn_detection="stt"),
        hears=(1, 3, *QUIET),
    )
    assert [turn.text for turn in log.turns] == ["w1 w3"]
    assert log.turns[0].at == pytest.approx(SPOKEN_UNTIL + TIMEOUT_BLOCKS / 100, abs=0.05)


@pytest.mark.parametrize("mode", ["vad", "manual"])
def test_the_other_modes_hear_what_they_heard_without_turns(monkeypatch: pytest.MonkeyPatch, mode: Any) -> None:
    async def scene(harness: Harness, session: AgentSession[Any], log: SessionLog) -> None:
        await until(3.0)
        if mode == "manual":
            await session.commit_user_turn(transcript_timeout=0.5)
            await until(4.0)

    def turns_with(server: SimulatedServer) -> list[str]:
        log = converse(
            monkeypatch,
            server,
            scene,
            handling=TurnHandlingOptions(turn_detection=mode),
            hears=(*WORDS, *QUIET),
            vad=FakeVAD() if mode == "vad" else None,
        )
        return [turn.text for turn in log.turns]

    assert turns_with(telling_turns()) == turns_with(SimulatedServer()) == ["w1 w2"]


def test_faults_never_make_the_agent_deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cut, a restart, a fatal error, a shutdown and an absence, one in each second: every turn arrives."""

    async def scene(harness: Harness, session: AgentSession[Any], log: SessionLog) -> None:
        await until(2.9)
        harness.server.cut()
        await until(4.9)
        harness.server.cut(forget=True)
        await until(6.9)
        for conversation in harness.server.each():
            conversation.post(lambda at, it=conversation: it.session.fail("internal", "oops", now=at))
        await until(8.9)
        for conversation in harness.server.each():
            conversation.post(lambda at, it=conversation: it.session.stop_input("shutdown", now=at))
        await until(10.9)
        harness.server.down = True
        harness.server.cut()
        await until(17.0)
        harness.server.down = False
        await until(30.0)

    log = converse(
        monkeypatch,
        SimulatedServer(),
        scene,
        handling=TurnHandlingOptions(turn_detection="stt"),
        hears=tuple(value for word in range(1, 11) for value in (word, *[0] * 19)) + QUIET,
    )
    assert " ".join(turn.text for turn in log.turns).split() == [f"w{word}" for word in range(1, 11)]
    assert not [error for error in log.errors if not error.error.recoverable]
    assert [closed.reason for closed in log.closed] == [CloseReason.USER_INITIATED]


class TestAdapters:
    def test_the_fallback_takes_over_from_a_black_hole_in_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            other = Harness(harness.server)
            harness.server.unanswered_connects = 2
            adapter = FallbackAdapter([harness.stt, other.stt], attempt_timeout=1.0, max_retry_per_stt=1)
            heard, stream = Heard(), adapter.stream()
            listening = asyncio.create_task(listen(stream, heard))  # type: ignore[arg-type]
            await asyncio.sleep(2 * 1.0)
            assert harness.server.connects >= 3
            await speak(stream, 1, 2, 0, 0, 0, 0, 3)  # type: ignore[arg-type]
            stream.end_input()
            await listening
            assert heard.words[-3:] == ["w1", "w2", "w3"]
            await stream.aclose()
            await adapter.aclose()
            await other.stt.aclose()

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_a_stream_adapter_around_it_recognises_in_one_piece(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            adapter = StreamAdapter(stt=harness.stt, vad=FakeVAD())
            heard, stream = Heard(), adapter.stream()
            push(stream, 1, 2, 0, 0, 0, 0)  # type: ignore[arg-type]
            stream.end_input()
            await listen(stream, heard)  # type: ignore[arg-type]
            assert heard.words == ["w1", "w2"]

        run_scenario(monkeypatch, SimulatedServer(), scenario)

    def test_no_diarisation_is_claimed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario(harness: Harness) -> None:
            with pytest.raises(ValueError, match="diarization"):
                MultiSpeakerAdapter(stt=harness.stt)

        run_scenario(monkeypatch, SimulatedServer(), scenario)
