"""The cost model: what it guesses, and what it makes of what it sees."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.engines.protocol import ENGINE_RATE
from auricle.engines.scheduling.costs import FORGET_AFTER, GAIN, OUTLIER, Costs, learned, predict_s, prior_s
from engines.scheduling.simulation import LANES, measured_s

SECOND = ENGINE_RATE
TIMES = st.floats(min_value=-1.0, max_value=1e4)
"""Clocks that were set go back, too."""
CALLS = st.tuples(st.integers(0, 3), st.integers(1, 32), TIMES)


def predicted(costs, bucket, size):
    return predict_s(costs, group=bucket, samples=(bucket + 1) * SECOND, size=size)


def after(costs, *calls):
    for bucket, size, took_s in calls:
        costs = learned(costs, group=bucket, samples=(bucket + 1) * SECOND, size=size, took_s=took_s, now_s=0.0)
    return costs


@pytest.mark.parametrize("samples", LANES.buckets[:3])
@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_the_guess_is_near_what_was_measured(samples, size):
    assert prior_s(samples, size) == pytest.approx(measured_s(samples, size), rel=0.4)


@given(st.integers(1, 30 * SECOND), st.integers(1, 64))
def test_a_window_more_costs_more_but_less_than_alone(samples, size):
    assert prior_s(samples, size) < prior_s(samples, size + 1) < prior_s(samples, size) + prior_s(samples, 1)


@given(st.lists(CALLS, max_size=60))
def test_no_prediction_is_zero_or_less(calls):
    costs = after(Costs(), *calls)
    for bucket in range(5):
        for size in (1, 2, 3, 8, 33):
            assert 0.0 < predicted(costs, bucket, size) < math.inf
    assert all(cell.ratio > 0.0 for cells in costs.groups.values() for cell in cells)


@given(st.lists(CALLS, max_size=30), st.integers(0, 3), st.integers(1, 32), st.floats(1e-3, 1e2))
def test_predictions_come_to_what_is_seen(calls, bucket, size, took_s):
    costs = after(Costs(), *calls)
    steps = int(math.log(1e12) / -math.log(1 - GAIN))  # down from the slowest call to the quickest, to a thousandth
    costs = after(costs, *[(bucket, size, took_s)] * steps)
    assert predicted(costs, bucket, size) == pytest.approx(took_s, rel=0.01)


@given(st.lists(CALLS, max_size=30), st.integers(0, 3), st.integers(1, 32), st.floats(1e-3, 1e2))
def test_a_prediction_never_leaves_the_way_to_what_was_seen(calls, bucket, size, took_s):
    costs = after(Costs(), (0, 1, 0.1), *calls)
    before_s = predicted(costs, bucket, size)
    after_s = predicted(after(costs, (bucket, size, took_s)), bucket, size)
    low, high = sorted((before_s, took_s))
    assert low * 0.999 <= after_s <= high * 1.001


def test_the_first_call_corrects_every_guess():
    costs = after(Costs(), (1, 1, prior_s(2 * SECOND, 1) / 10))
    assert predicted(costs, 3, 8) == pytest.approx(prior_s(4 * SECOND, 8) / 10)


def test_sizes_between_two_known_ones_lie_on_the_line_between():
    costs = after(Costs(), *[(0, 2, prior_s(SECOND, 2)), (0, 8, 3.0 * prior_s(SECOND, 8))] * 60)
    low, high = (predicted(costs, 0, size) / prior_s(SECOND, size) for size in (2, 8))
    assert low < high
    assert predicted(costs, 0, 5) / prior_s(SECOND, 5) == pytest.approx((low + high) / 2, rel=0.02)
    assert predicted(costs, 0, 1) / prior_s(SECOND, 1) == pytest.approx(low, rel=0.02)
    assert predicted(costs, 0, 32) / prior_s(SECOND, 32) == pytest.approx(high, rel=0.02)


def test_a_call_that_hung_counts_only_so_much():
    costs = after(Costs(), *[(0, 1, 0.1)] * 20, (0, 1, 60.0))
    assert predicted(costs, 0, 1) <= 0.1 * OUTLIER


def test_a_size_that_is_not_seen_any_more_follows_the_others():
    costs = after(Costs(), *[(0, 4, 8.0)] * 30, *[(0, 1, 0.1)] * (8 * FORGET_AFTER))
    fair_s = 0.1 * prior_s(SECOND, 4) / prior_s(SECOND, 1)
    assert predicted(costs, 0, 4) < 2 * fair_s


@pytest.mark.parametrize("seed", range(3))
def test_calls_of_many_sizes_are_all_learned(seed):
    random, costs = Random(seed), Costs()
    for _ in range(600):
        size = random.randint(1, 8)
        samples = LANES.buckets[2]
        took_s = measured_s(samples, size) * 3.0 * random.uniform(0.9, 1.1)
        costs = learned(costs, group=2, samples=samples, size=size, took_s=took_s, now_s=0.0)
    for size in range(1, 9):
        told_s = predict_s(costs, group=2, samples=LANES.buckets[2], size=size)
        assert told_s == pytest.approx(3.0 * measured_s(LANES.buckets[2], size), rel=0.1)
