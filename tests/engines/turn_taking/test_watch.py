"""`TurnWatch` in both recognisers: breaths end segments and not turns, and a finished sentence ends sooner."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.engines.protocol import (
    BLOCK,
    ENGINE_RATE,
    FinalResult,
    PartialResult,
    Processed,
    SpeechEnded,
    SpeechStarted,
    StreamDone,
)
from auricle.engines.scripted.engine import ScriptedEngine, ScriptedWindowEngine
from auricle.engines.scripted.script import Script, ScriptedWord
from auricle.engines.turn_results import TurnGoesOn, TurnMaybeOver, TurnOver
from auricle.engines.turn_taking.decision import TurnRules
from auricle.engines.turn_taking.judge import Question, TurnJudge
from auricle.engines.turn_taking.watch import LONGEST_AUDIO, ONSET, TurnTaking
from engines.session_harness import check_record, config, drive, scripts

KINDS = (ScriptedWindowEngine, ScriptedEngine)
RULES = TurnRules(threshold=0.5, over_s=0.3, unknown_s=0.5, longest_s=2.0)
AMPLE_S = 60.0
"""A budget that a busy machine does not exceed."""


def counting(seconds: float) -> bytes:
    """Audio in which each sample tells its block."""
    return (np.arange(round(seconds * ENGINE_RATE)) // BLOCK).astype("<i2").tobytes()


def position(sample: float) -> int:
    return round(sample * 32_768) * BLOCK


class Detector:
    """Answers by where the audio ends: ``says`` maps the end of a pause's onset to a probability."""

    name = "test"

    def __init__(self, says):
        self.says, self.heard = says, []

    def load(self, progress):
        pass

    def probability(self, audio):
        begin, end = position(audio[0]), position(audio[-1]) + BLOCK
        self.heard.append((begin, end))
        return self.says(end)


class PromptJudge:
    """Answers at once, so that no result depends on how busy the machine is."""

    def __init__(self, detector):
        self.detector = detector

    def ask(self, audio):
        question = Question(audio, 0.0, AMPLE_S, lambda: 0.0)
        question.settle(self.detector.probability(audio))
        return question


def script(*spans: tuple[float, float]) -> Script:
    words = [
        ScriptedWord(text=f"w{number}", start=round(begin * ENGINE_RATE), end=round(end * ENGINE_RATE))
        for number, (begin, end) in enumerate(spans)
    ]
    return Script(words=tuple(words))


def run(kind, said, seconds, says, rules=RULES, **options):
    detector = Detector(says)
    turns = TurnTaking(rules=rules, judge=None if says is None else PromptJudge(detector))
    results = drive(kind(said), config(**options), counting(seconds), turns=turns)
    check_record(results, round(seconds * ENGINE_RATE))
    return results, detector


def about_turns(results):
    """What is durable, and what is said about turns, without positions."""
    kinds = (FinalResult, TurnMaybeOver, TurnGoesOn, TurnOver, SpeechStarted)
    return [type(result).__name__ for result in results if isinstance(result, kinds)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_breath_ends_a_segment_and_a_finished_sentence_a_turn_and_sooner(kind):
    said = script((0.5, 1.5), (2.3, 3.2))  # a breath of 0.8 s
    results, _ = run(kind, said, 6.0, lambda end: 0.1 if end < 2 * ENGINE_RATE else 0.9)
    first, second = [result for result in results if isinstance(result, FinalResult)]
    (over,) = [result for result in results if isinstance(result, TurnOver)]
    assert first.end_sample == pytest.approx(2.0 * ENGINE_RATE, abs=2 * BLOCK), "half a second of silence"
    assert second.end_sample == pytest.approx(3.5 * ENGINE_RATE, abs=2 * BLOCK), "0.3 s, as the turn is over"
    assert (over.trigger, over.probability) == ("model", 0.9)
    assert over.at_sample == pytest.approx(3.2 * ENGINE_RATE, abs=BLOCK)
    assert about_turns(results) == [
        "SpeechStarted", "FinalResult", "SpeechStarted", "TurnMaybeOver", "FinalResult", "TurnOver",
    ]  # fmt: skip
    promised = next(result for result in results if isinstance(result, TurnMaybeOver))
    assert promised.open_text == second.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_detector_that_is_wrong_keeps_nobody_waiting_for_ever(kind):
    results, _ = run(kind, script((0.5, 1.5)), 5.0, lambda end: 0.1)
    (over,) = [result for result in results if isinstance(result, TurnOver)]
    assert (over.trigger, over.probability) == ("timeout", 0.1)
    before = [result for result in results[: results.index(over)] if isinstance(result, Processed)]
    assert before[-1].upto_sample == pytest.approx(3.5 * ENGINE_RATE, abs=0.2 * ENGINE_RATE), "2 s of silence"


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_detector_silence_ends_a_turn(kind):
    rules = TurnRules(over_s=0.3, unknown_s=1.0, longest_s=2.0, maybe_s=0.4)
    results, _ = run(kind, script((0.5, 1.5), (2.2, 3.0)), 6.0, None, rules)
    assert about_turns(results) == [
        "SpeechStarted", "TurnMaybeOver", "FinalResult", "TurnGoesOn", "SpeechStarted", "TurnMaybeOver", "FinalResult",
        "TurnOver",
    ]  # fmt: skip
    assert [result.trigger for result in results if isinstance(result, TurnOver)] == ["silence"]


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_speaks_on_takes_the_promise_back(kind):
    said = script((0.5, 1.5), (1.75, 2.5))  # shorter than the silence that ends a turn
    results, _ = run(kind, said, 5.0, lambda end: 0.9)
    assert about_turns(results) == [
        "SpeechStarted", "TurnMaybeOver", "TurnGoesOn", "TurnMaybeOver", "FinalResult", "TurnOver",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_detector_hears_the_turn_up_to_the_onset_of_the_pause_and_eight_seconds_of_it_at_most(kind):
    said = script((1.0, 2.0), (2.6, 9.0), (9.7, 12.0), (15.0, 16.0))
    _, detector = run(kind, said, 19.0, lambda end: 0.1 if end < 11 * ENGINE_RATE else 0.9, max_segment_s=20.0)
    ends = [end for _, end in detector.heard]
    spoken = [2.0, 9.0, 12.0, 16.0]
    assert [end / ENGINE_RATE for end in ends] == [pytest.approx(at + ONSET / ENGINE_RATE, abs=0.04) for at in spoken]
    assert detector.heard[0][0] / ENGINE_RATE == pytest.approx(0.6, abs=0.07), "from the beginning of the turn"
    assert detector.heard[1][1] - detector.heard[1][0] <= LONGEST_AUDIO + BLOCK
    assert detector.heard[1][0] <= 1.2 * ENGINE_RATE, "over the breath before it, too"
    assert detector.heard[3][0] / ENGINE_RATE == pytest.approx(14.6, abs=0.07), "and nothing of the turn before"


@pytest.mark.parametrize("kind", KINDS)
def test_a_detector_without_an_answer_is_none(kind):
    results, _ = run(kind, script((0.5, 1.5)), 4.0, lambda end: None)
    assert [result.trigger for result in results if isinstance(result, TurnOver)] == ["silence"]


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_what_is_decided_does_not_depend_on_how_the_audio_comes(kind, data):
    said = data.draw(scripts(seconds=6.0))
    seconds = 9.0
    answers = data.draw(st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=4))
    chunks = data.draw(st.lists(st.integers(1, 8_000), max_size=40))
    flushes = data.draw(st.lists(st.integers(0, 100_000), max_size=2))

    def says(end):
        return answers[end // BLOCK % len(answers)]

    def decided(chunks):
        judge = TurnJudge(Detector(says), budget_s=AMPLE_S)
        turns = TurnTaking(rules=RULES, judge=judge)
        marks = [(at, at) for at in sorted(flushes)]
        results = drive(kind(said), config(), counting(seconds), chunks=chunks, flushes=marks, turns=turns)
        judge.close()
        check_record(results, round(seconds * ENGINE_RATE))
        ephemeral = (Processed, PartialResult, TurnMaybeOver, TurnGoesOn)
        return [result for result in results if not isinstance(result, ephemeral)]

    once, again = decided(()), decided(chunks)
    assert once == again
    assert [type(one) for one in once if isinstance(one, StreamDone | SpeechEnded)][-1] is StreamDone
