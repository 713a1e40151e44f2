"""`TurnJudge`: answers in time or none, and a detector that is slow, stuck or broken costs nothing else."""

import threading

import numpy as np
import pytest

from auricle.engines.protocol import EngineError
from auricle.engines.turn_taking.judge import TurnJudge

AUDIO = np.zeros(16_000, dtype=np.float32)
PATIENCE_S = 30.0


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Detector:
    """Takes ``takes_s`` of the clock for each answer."""

    name = "test"

    def __init__(self, clock, takes_s=0.0):
        self.clock, self.takes_s, self.calls = clock, takes_s, 0

    def load(self, progress):
        pass

    def probability(self, audio):
        self.calls += 1
        self.clock.now += self.takes_s
        return 0.75


@pytest.fixture
def clock():
    return Clock()


def settled(question):
    assert question.settled.wait(PATIENCE_S)
    return question.answer()


def judge_of(detector, clock):
    return TurnJudge(detector, budget_s=0.25, clock=clock)


def test_an_answer_in_time(clock):
    judge = judge_of(Detector(clock, 0.2), clock)
    assert settled(judge.ask(AUDIO)) == 0.75
    judge.close()


def test_an_answer_that_comes_late_is_none(clock):
    judge = judge_of(Detector(clock, 0.3), clock)
    assert settled(judge.ask(AUDIO)) is None
    judge.close()


def test_what_cannot_be_answered_in_time_is_not_asked_and_a_slow_answer_is_not_held_against_it_for_ever(clock):
    detector = Detector(clock, 0.4)
    judge = judge_of(detector, clock)
    assert settled(judge.ask(AUDIO)) is None
    detector.takes_s = 0.01
    answers = [settled(judge.ask(AUDIO)) for _ in range(3)]
    assert answers[0] is None
    assert answers[-1] == 0.75
    assert detector.calls < 4
    judge.close()


def test_those_that_waited_too_long_behind_others_are_spared(clock):
    entered, go_on = threading.Event(), threading.Event()

    class Stuck(Detector):
        def probability(self, audio):
            entered.set()
            assert go_on.wait(PATIENCE_S)
            return super().probability(audio)

    detector = Stuck(clock)
    judge = judge_of(detector, clock)
    first = judge.ask(AUDIO)
    assert entered.wait(PATIENCE_S)
    others = [judge.ask(AUDIO) for _ in range(5)]
    clock.now += 1.0
    go_on.set()
    assert [settled(question) for question in (first, *others)] == [None] * 6
    assert detector.calls == 1
    judge.close()


@pytest.mark.parametrize("error", [EngineError("it failed"), RuntimeError("out of memory")])
def test_a_detector_that_fails_has_no_answer(clock, error, caplog):
    class Failing(Detector):
        def probability(self, audio):
            raise error

    judge = judge_of(Failing(clock), clock)
    assert settled(judge.ask(AUDIO)) is None
    assert "the turn detector test failed" in caplog.text
    judge.close()


def test_nobody_waits_longer_than_the_budget_and_a_detector_that_is_stuck_is_not_asked_again():
    entered, go_on = threading.Event(), threading.Event()

    class Stuck(Detector):
        def probability(self, audio):
            entered.set()
            assert go_on.wait(PATIENCE_S)
            return 1.0

    judge = TurnJudge(Stuck(None), budget_s=0.01)
    first = judge.ask(AUDIO)
    assert entered.wait(PATIENCE_S)
    assert first.answer() is None
    threading.Event().wait(0.02)
    assert judge.ask(AUDIO).settled.is_set(), "there is no queue behind it"
    go_on.set()
    assert first.answer() is None, "an answer does not change"
    judge.close()
    assert judge.ask(AUDIO).settled.is_set()


def test_what_is_withdrawn_before_its_turn_is_not_asked(clock):
    entered, go_on = threading.Event(), threading.Event()

    class Slow(Detector):
        def probability(self, audio):
            entered.set()
            assert go_on.wait(PATIENCE_S)
            return super().probability(audio)

    detector = Slow(clock)
    judge = judge_of(detector, clock)
    first, second = judge.ask(AUDIO), judge.ask(AUDIO)
    assert entered.wait(PATIENCE_S)
    second.withdraw()
    go_on.set()
    assert (settled(first), settled(second)) == (0.75, None)
    assert detector.calls == 1
    judge.close()
