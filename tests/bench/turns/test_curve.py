"""False cut-offs and delays, counted by hand."""

import pytest
from turns.curve import FACTORS, Judged, best, point, settings

from auricle.engines.turn_taking.decision import TurnRules

PAUSES = [
    Judged(seconds=0.4, probability=0.1),
    Judged(seconds=0.4, probability=0.9),
    Judged(seconds=None, probability=0.9),
    Judged(seconds=None, probability=0.2),
]


def test_a_breath_is_cut_off_where_the_wait_is_shorter_and_an_end_takes_the_wait():
    found = point(TurnRules(threshold=0.5, over_s=0.3, unknown_s=0.3, longest_s=1.0), PAUSES)
    assert FACTORS == (0.5, 1.0, 2.0)
    assert found.cut_offs == pytest.approx(2 / 6), "the one that sounds like an end, at 0.4 and 0.8 s"
    assert found.delay_s == pytest.approx((0.3 + 1.0) / 2)


def test_without_an_opinion_only_the_silence_counts():
    silent = [Judged(seconds=one.seconds, probability=None) for one in PAUSES]
    points = [point(rules, silent) for rules in settings(has_opinion=False)]
    quick, careful = best(points)
    assert quick.cut_offs == pytest.approx(2 / 3)
    assert quick.delay_s == 0.2, "of equal ones the sooner"
    assert (careful.delay_s, careful.cut_offs) == (0.8, 0.0)


def test_a_detector_that_is_always_right_costs_nothing():
    right = [Judged(seconds=one.seconds, probability=float(one.seconds is None)) for one in PAUSES]
    quick, careful = best([point(rules, right) for rules in settings(has_opinion=True)])
    assert (quick.cut_offs, careful.delay_s) == (0.0, 0.15)
