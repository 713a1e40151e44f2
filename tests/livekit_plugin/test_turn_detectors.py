"""A real `AgentSession` whose turns are judged by a detector of the framework's, with our turns beside it and without.

Such a detector decides alone: our turns cost it no final and no word, add no turn, and what we offer early is used.
"""

from typing import Any

import pytest
from livekit.agents import AgentSession, TurnHandlingOptions
from livekit.agents.voice import turn as framework_turn

from livekit_plugin.agent_harness import FakeLLM, FakeVAD, SessionLog, converse
from livekit_plugin.harness import Harness, now
from livekit_plugin.releases import NEEDS_MANUAL_FLUSH
from livekit_plugin.simulated_server import SimulatedServer
from livekit_plugin.test_agent_session import BREATH, QUIET, telling_turns, until
from livekit_plugin.turn_detectors import MAKERS, MAX_DELAY_S, MIN_DELAY_S

SENTENCE = (1, 3, *BREATH, 5, 2, *QUIET)
"""The detectors, and the fake engine, take ``w1 w3`` for a breath and ``… w2`` for an end."""
SPOKEN_UNTIL_S = 1.0 + 0.9
"""The microphone gives a second of silence first."""
KINDS = [
    pytest.param(
        kind,
        marks=pytest.mark.skipif(
            kind == "on audio" and not hasattr(framework_turn, "_StreamingTurnDetector"),
            reason="this release of LiveKit Agents takes no detector on audio",
        ),
    )
    for kind in MAKERS
]
pytestmark = NEEDS_MANUAL_FLUSH


def handling(detector: Any) -> TurnHandlingOptions:
    return TurnHandlingOptions(
        turn_detection=detector,
        endpointing={"min_delay": MIN_DELAY_S, "max_delay": MAX_DELAY_S},
        preemptive_generation={"enabled": True},
    )


async def five_seconds(harness: Harness, session: AgentSession[Any], log: SessionLog) -> None:
    await until(5.0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("detect_turns", [True, False], ids=["with our turns", "without"])
class TestADetectorOfTheFramework:
    def test_a_sentence_with_a_breath_is_one_turn(
        self, monkeypatch: pytest.MonkeyPatch, kind: str, detect_turns: bool
    ) -> None:
        detector, model = MAKERS[kind](), FakeLLM()
        log = converse(
            monkeypatch,
            telling_turns(),
            five_seconds,
            handling=handling(detector),
            hears=SENTENCE,
            vad=FakeVAD(),
            llm=model,
            detect_turns=detect_turns,
        )
        assert [turn.text for turn in log.turns] == ["w1 w3 w5 w2"]
        assert log.turns[0].at == pytest.approx(SPOKEN_UNTIL_S + MIN_DELAY_S, abs=0.05)
        assert detector.asked_about, "it was the detector that judged"
        assert model.requests[-1][1] == "w1 w3 w5 w2"
        assert {about for _, about in model.requests} <= {"w1 w3", "w1 w3 w5 w2"}, "it is begun with nothing else"
        assert model.requests[-1][0] <= log.turns[0].at, "the answer was begun before the turn was committed"
        assert not log.errors

    def test_a_turn_that_it_takes_to_go_on_is_waited_for_as_long_as_it_wants(
        self, monkeypatch: pytest.MonkeyPatch, kind: str, detect_turns: bool
    ) -> None:
        """Our turns end after a second here: the framework's detector waits on, and is right to."""
        log = converse(
            monkeypatch,
            telling_turns(),
            five_seconds,
            handling=handling(MAKERS[kind]()),
            hears=(1, 3, *QUIET, *QUIET),
            vad=FakeVAD(),
            detect_turns=detect_turns,
        )
        assert [turn.text for turn in log.turns] == ["w1 w3"]
        assert log.turns[0].at == pytest.approx(1.0 + 0.2 + MAX_DELAY_S, abs=0.1)

    def test_two_turns_stay_two(self, monkeypatch: pytest.MonkeyPatch, kind: str, detect_turns: bool) -> None:
        log = converse(
            monkeypatch,
            telling_turns(),
            five_seconds,
            handling=handling(MAKERS[kind]()),
            hears=(1, 2, *QUIET[:8], 3, 4, *QUIET),
            vad=FakeVAD(),
            detect_turns=detect_turns,
        )
        assert [turn.text for turn in log.turns] == ["w1 w2", "w3 w4"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_detector_hears_the_same_words_with_our_turns_and_without(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    def asked(server: SimulatedServer, detect_turns: bool) -> tuple[list[Any], list[str]]:
        detector = MAKERS[kind]()
        log = converse(
            monkeypatch,
            server,
            five_seconds,
            handling=handling(detector),
            hears=SENTENCE,
            vad=FakeVAD(),
            detect_turns=detect_turns,
        )
        return list(detector.asked_about), [text for _, text in log.finals]

    assert asked(telling_turns(), True) == asked(telling_turns(), False) == asked(SimulatedServer(), True)


@pytest.mark.parametrize("detect_turns", [True, False], ids=["with our turns", "without"])
def test_mode_manual_with_turns_told_nothing_is_committed_unasked(
    monkeypatch: pytest.MonkeyPatch, detect_turns: bool
) -> None:
    async def scene(harness: Harness, session: AgentSession[Any], log: SessionLog) -> None:
        await until(4.0)
        assert not log.turns, "our ends of turns commit nothing"
        await session.commit_user_turn(transcript_timeout=0.5)
        assert now() < 4.2
        await until(5.0)

    log = converse(
        monkeypatch,
        telling_turns(),
        scene,
        handling=TurnHandlingOptions(turn_detection="manual"),
        hears=SENTENCE,
        detect_turns=detect_turns,
    )
    assert [turn.text for turn in log.turns if turn.text] == ["w1 w3 w5 w2"]
