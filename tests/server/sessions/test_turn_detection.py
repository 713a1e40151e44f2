"""Turns, from the audio of a client to its events: by silence, by a detector, and across changes."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import trio

from auricle.core import Endpointing, Features, Final, Flushed, Start, TurnEnd, TurnMaybeEnd, TurnResumed, Turns
from auricle.engines.protocol import EngineUnavailable
from auricle.engines.scripted.engine import ScriptedWindowEngine
from auricle.engines.scripted.script import Script, ScriptedWord
from auricle.engines.turn_taking.judge import TurnJudge
from auricle.engines.turns import registry
from auricle.server.app import ServerConfig, running_server
from auricle.server.sessions.turn_detection import DEFAULTS, turn_rules
from auricle.transports.trio import connect

RATE = 16_000
FAR_S = 60.0
ASKED = Start(features=Features(turns=True))
PATIENT = Start(features=Features(turns=True), turns=Turns(timeout_ms=1_200))
"""Waits longer than the breath is long."""
SAID = Script(
    words=tuple(
        ScriptedWord(text=text, start=round(begin * RATE), end=round(end * RATE))
        for text, begin, end in (("I", 0.5, 1.0), ("would", 1.8, 2.5), ("sleep", 4.5, 5.0))
    )
)
"""A breath of 0.8 s, then a pause of 2 s."""
SECONDS = 8.0


class Ear:
    """A turn is over at 2.5 s, and at no other pause."""

    name = "ear"

    def load(self, progress: Any) -> None:
        pass

    def probability(self, audio: np.ndarray) -> float:
        return 0.9 if 2.5 < len(audio) / RATE + 0.1 < 2.9 else 0.2


async def told(config: Start, detector: str = "silence", change: dict[str, Any] | None = None) -> Sequence[Any]:
    """What a client is told; ``change`` is made in the middle of the first word."""
    with trio.fail_after(FAR_S):
        async with (
            running_server(ServerConfig(port=0, turn_detector=detector), ScriptedWindowEngine(SAID)) as server,
            connect(server.url, config) as client,
        ):
            assert client.ready.server.turn_detector == detector
            if change is not None:
                await client.send_audio(bytes(2 * round(0.75 * RATE)))
                await client.configure(**change)
            await client.send_audio(bytes(2 * round((SECONDS - 0.75) * RATE)))
            await client.end_input()
            events = [event async for event in client]
    assert events[-1].complete, events[-1]
    return events


def turns(events: Sequence[Any]) -> list[tuple[str, str]]:
    return [(event.text, event.trigger) for event in events if isinstance(event, TurnEnd)]


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "create", lambda name: Ear())
    monkeypatch.setattr("auricle.server.sessions.turn_detection.TurnJudge", lambda it: TurnJudge(it, budget_s=FAR_S))


def test_with_silence_alone_a_turn_is_an_utterance_unless_a_client_waits_longer() -> None:
    assert turns(trio.run(told, ASKED)) == [("I", "silence"), ("would", "silence"), ("sleep", "silence")]
    patient = Start(features=Features(turns=True), turns=Turns(unsure_ms=1_000))
    assert turns(trio.run(told, patient)) == [("I would", "silence"), ("sleep", "silence")]


@pytest.mark.usefixtures("ear")
def test_a_detector_ends_turns_and_breaths_end_segments() -> None:
    events = trio.run(told, PATIENT, "ear")
    assert turns(events) == [("I would", "model"), ("sleep", "timeout")]
    assert [final.text for final in events if isinstance(final, Final)] == ["I", "would", "sleep"]
    assert not [event for event in events if isinstance(event, TurnResumed)]
    promises = [event for event in events if isinstance(event, TurnMaybeEnd)]
    assert [(promise.text, promise.confidence) for promise in promises] == [("I would", 0.9)]


@pytest.mark.usefixtures("ear")
def test_a_change_in_mid_turn_leaves_it_open() -> None:
    events = trio.run(told, PATIENT, "ear", {"language": "en"})
    spoken = " ".join(final.text for final in events if isinstance(final, Final) and final.text)
    assert " ".join(text for text, _ in turns(events) if text) == spoken
    ends = [event for event in events if isinstance(event, TurnEnd)]
    assert ends[0].segments[1] >= 1, "a change cuts the segment, and not the turn"
    assert all(before.at <= after.at for before, after in pairwise(ends))


@pytest.mark.usefixtures("ear")
def test_the_rules_can_be_changed_in_mid_session() -> None:
    events = trio.run(told, ASKED, "ear", {"turns": {"threshold": 0.95, "timeout_ms": 5_000}})
    assert [trigger for _, trigger in turns(events)] == ["manual"], "nothing but the end of input ends it"


def test_a_recording_has_a_turn_for_every_utterance() -> None:
    config = Start(features=Features(turns=True), endpointing=Endpointing(offline=True, silence_ms=500))
    assert turns(trio.run(told, config)) == [("I", "silence"), ("would", "silence"), ("sleep", "silence")]


def test_a_button_ends_a_turn() -> None:
    async def scenario() -> Sequence[Any]:
        with trio.fail_after(FAR_S):
            async with (
                running_server(ServerConfig(port=0), ScriptedWindowEngine(SAID)) as server,
                connect(server.url, ASKED) as client,
            ):
                await client.send_audio(bytes(2 * round(1.2 * RATE)))
                await client.end_turn()
                events = []
                async for event in client:
                    events.append(event)
                    if isinstance(event, Flushed):
                        break
                return events

    events = trio.run(scenario)
    assert turns(events) == [("I", "manual")]
    assert isinstance(events[-2], TurnEnd)


def test_a_detector_that_is_not_there_is_told_in_one_sentence() -> None:
    async def scenario() -> None:
        async with running_server(ServerConfig(port=0, turn_detector="oracle"), ScriptedWindowEngine(SAID)):
            pass

    with pytest.raises(EngineUnavailable, match=r"There is no turn detector 'oracle'; there are .*silence"):
        trio.run(scenario)


@pytest.mark.parametrize(
    ("asked", "rules"),
    [
        (Turns(), (DEFAULTS.over_s, 0.5, DEFAULTS.longest_s)),
        (Turns(silence_ms=600), (0.6, 0.6, DEFAULTS.longest_s)),
        (Turns(silence_ms=800), (0.8, 0.8, 0.8)),
        (Turns(silence_ms=200, unsure_ms=700, timeout_ms=600), (0.2, 0.7, 0.7)),
    ],
)
def test_a_silence_that_is_shorter_than_one_before_it_counts_as_that(asked: Turns, rules: tuple[float, ...]) -> None:
    made = turn_rules(Start(turns=asked), 0.5)
    assert (made.over_s, made.unknown_s, made.longest_s) == rules
    assert turn_rules(Start(turns=Turns(threshold=0.8)), 0.5).maybe_threshold == 0.8
