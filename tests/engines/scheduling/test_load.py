"""How often partials may come, and who is admitted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.engines.protocol import Lanes
from auricle.engines.scheduling.load import (
    FINALS_FULL,
    FINALS_RELAXED,
    FULL,
    HEADROOM,
    HOLD_S,
    LONGEST_INTERVAL_S,
    LONGEST_RETRY_S,
    MEMORY_S,
    RELAXED,
    SHORTEST_INTERVAL_S,
    SHORTEST_RETRY_S,
    SPEECH_SHARE,
    TURN_S,
    Demand,
    Pace,
    Shares,
    faded,
    finals_share,
    minus,
    needed_interval_s,
    newcomer,
    next_pace,
    plus,
    retry_after_s,
    utilisation,
)
from auricle.engines.scheduling.scheduler import closed, finished, load, opened, scheduler, submit, take
from engines.scheduling.job_factories import FINAL, FIRST, LANES, PARTIAL, SPECULATIVE, crowd, job, served, taught

ONE = Lanes(count=1)
AMOUNTS = st.floats(0.0, 1e3)
DEMANDS = st.builds(Demand, st.floats(0.0, 100.0), AMOUNTS, AMOUNTS, AMOUNTS)
SHARES = st.floats(1e-4, 1.0).flatmap(
    lambda partial_s: st.builds(Shares, st.floats(1e-4, 1.0), st.floats(0.0, partial_s), st.just(partial_s))
)
"""First partials are the cheapest: they are the shortest."""
BUSY = Shares(final_s=0.001, first_s=0.001, partial_s=1.0)
"""Partials so dear that the talk alone decides."""


def talk(interval_s):
    """Return the demand that needs this interval on one lane, with `BUSY`."""
    return Demand(0.0, speech_s=FULL * MEMORY_S * interval_s)


def step(pace, demand, *, now_s=100.0, shares=BUSY):
    return next_pace(pace, demand, shares, ONE, sessions=3, now_s=now_s)


# ---------------------------------------------------------------------------- demand


@given(DEMANDS, DEMANDS)
def test_what_is_added_can_be_taken_away(one, other):
    back = minus(plus(one, other), other)
    felt = faded(one, back.at_s)
    for left, right in zip(back, felt, strict=True):
        assert left == pytest.approx(right, abs=1e-6)


@given(DEMANDS, st.lists(st.floats(0.0, 30.0), max_size=10))
def test_demand_fades_the_same_in_one_step_or_many(demand, steps):
    felt = demand
    for elapsed_s in steps:
        felt = faded(felt, felt.at_s + elapsed_s)
    assert felt == pytest.approx(faded(demand, demand.at_s + sum(steps)), abs=1e-6)


def test_a_session_that_talks_as_usual_is_worth_the_same_early_and_late():
    demand, shares = newcomer(0.0), Shares(0.1, 0.1, 0.1)
    first = utilisation(demand, shares, ONE, 0.5)
    now_s = 0.0
    while now_s < 4 * MEMORY_S:
        now_s += TURN_S
        demand = plus(demand, Demand(now_s, finals=1.0, speech_s=SPEECH_SHARE * TURN_S))
        middle = faded(demand, now_s + TURN_S / 2)
        assert utilisation(middle, shares, ONE, 0.5) == pytest.approx(first, rel=0.15)


INTERVALS = st.floats(SHORTEST_INTERVAL_S, LONGEST_INTERVAL_S)


@given(DEMANDS, SHARES, INTERVALS, INTERVALS)
def test_longer_intervals_are_less_work(demand, shares, one, other):
    shorter, longer = sorted((one, other))
    assert utilisation(demand, shares, ONE, longer) <= utilisation(demand, shares, ONE, shorter)


def test_each_utterance_has_a_first_partial_whatever_the_interval_is():
    demand, shares = Demand(0.0, finals=MEMORY_S, speech_s=MEMORY_S), Shares(final_s=0.2, first_s=0.03, partial_s=9.0)
    assert utilisation(demand, shares, ONE, LONGEST_INTERVAL_S) == pytest.approx(0.23)


# ---------------------------------------------------------------------------- the interval


@given(DEMANDS, SHARES)
def test_the_lanes_are_full_before_partials_get_rarer(demand, shares):
    interval_s = needed_interval_s(demand, shares, ONE)
    busy = utilisation(demand, shares, ONE, interval_s)
    assert SHORTEST_INTERVAL_S <= interval_s <= LONGEST_INTERVAL_S
    assert interval_s == LONGEST_INTERVAL_S or busy <= FULL + 1e-6
    assert interval_s == SHORTEST_INTERVAL_S or busy >= FULL - 1e-6


@given(DEMANDS, SHARES, st.floats(1.0, 3.0))
def test_more_demand_never_shortens_the_interval(demand, shares, times):
    more = Demand(demand.at_s, demand.finals * times, demand.speech_s * times, demand.unknown * times)
    assert needed_interval_s(more, shares, ONE) >= needed_interval_s(demand, shares, ONE) - 1e-9


def test_an_interval_that_is_too_short_is_left_at_once():
    told = step(Pace(1.0, since_s=100.0), talk(2.0))
    assert told == Pace(pytest.approx(2.0 * HEADROOM), 100.0, True)
    assert step(Pace(2.0, since_s=100.0), talk(1.99)).interval_s == 2.0


def test_a_flood_makes_it_as_long_as_it_gets():
    assert step(Pace(), talk(50.0)) == Pace(LONGEST_INTERVAL_S, 100.0, True)


def test_it_gets_shorter_where_much_shorter_would_do():
    assert step(Pace(2.0, since_s=0.0), talk(2.0 / RELAXED + 0.01)).interval_s == 2.0
    assert step(Pace(2.0, since_s=0.0), talk(2.0 / RELAXED - 0.01)).interval_s == pytest.approx(1.45, abs=0.02)
    assert step(Pace(4.0, since_s=0.0), Demand(0.0)).interval_s == 2.0
    assert step(Pace(0.8, since_s=0.0), Demand(0.0)).interval_s == SHORTEST_INTERVAL_S


def test_it_finds_back_to_the_shortest_from_just_above():
    just_above = Pace(SHORTEST_INTERVAL_S * 1.2, since_s=0.0)
    assert step(just_above, talk(SHORTEST_INTERVAL_S * 0.5)).interval_s == SHORTEST_INTERVAL_S
    assert step(just_above, talk(SHORTEST_INTERVAL_S)).interval_s == just_above.interval_s


def test_an_interval_lasts():
    quiet = Demand(0.0)
    assert step(Pace(2.0, since_s=100.0), quiet, now_s=99.9 + HOLD_S) == Pace(2.0, 100.0, True)
    assert step(Pace(2.0, since_s=100.0), quiet, now_s=100.0 + HOLD_S) == Pace(1.0, 100.0 + HOLD_S, True)


@given(st.floats(0.0, 12.0), st.lists(st.floats(-0.1, 0.1), min_size=2, max_size=300))
def test_an_estimate_that_trembles_does_not_make_the_interval_swing(interval_s, trembles):
    pace, told = Pace(), []
    for second, tremble in enumerate(trembles):
        pace = step(pace, talk(interval_s * (1 + tremble)), now_s=float(second))
        told.append(pace.interval_s)
    assert told == sorted(told)
    assert len(set(told)) <= 4


@given(st.lists(st.tuples(st.floats(0.0, 5.0), st.floats(0.0, 12.0)), max_size=200))
def test_an_interval_is_never_shortened_early_nor_kept_too_short(moments):
    pace, now_s = Pace(), 0.0
    for elapsed_s, interval_s in moments:
        now_s += elapsed_s
        before, pace = pace, step(pace, talk(interval_s), now_s=now_s)
        assert pace.interval_s >= before.interval_s or now_s - before.since_s >= HOLD_S
        assert pace.interval_s >= min(interval_s, LONGEST_INTERVAL_S) - 1e-9


# ---------------------------------------------------------------------------- admission


def finals(share):
    """Return the demand of finals that keeps one lane so busy when each takes a second."""
    return Demand(100.0, finals=share * MEMORY_S)


DEAR = Shares(final_s=1.0, first_s=0.001, partial_s=0.001)
ONE_MORE = 1.0 / TURN_S


def test_refused_above_the_one_bar_and_admitted_below_the_other():
    high, between, low = (finals(bar - ONE_MORE) for bar in (FINALS_FULL + 0.01, 0.55, FINALS_RELAXED - 0.01))
    assert not step(Pace(), high, shares=DEAR).admits
    assert step(Pace(), between, shares=DEAR).admits
    assert not step(Pace(admits=False), between, shares=DEAR).admits
    assert step(Pace(admits=False), low, shares=DEAR).admits


def test_somebody_is_served_however_slow_the_engine_is():
    state = taught(scheduler(ONE, now_s=0.0), 50.0)
    assert load(state, now_s=0.0).admits
    assert not load(opened(state, 1, now_s=0.0), now_s=0.0).admits


def test_sessions_are_refused_and_admitted_again_when_some_have_left():
    state, count = taught(scheduler(LANES, now_s=0.0), 0.5), 0
    while load(state, now_s=0.0).admits:
        state = opened(state, count, now_s=0.0)
        count += 1
    assert count == pytest.approx(FINALS_FULL * TURN_S / 0.5, abs=1)
    assert load(state, now_s=0.0).retry_after_s > 0.0
    left = 0
    while not load(state, now_s=0.0).admits:
        state, _ = closed(state, left, now_s=0.0)
        left += 1
    assert 1 < left < count / 2
    assert load(state, now_s=0.0).retry_after_s == 0.0


@given(DEMANDS, SHARES, st.integers(0, 1000), st.floats(0.0, 1e5))
def test_the_time_to_come_back_is_bounded(demand, shares, sessions, session_s):
    told_s = retry_after_s(demand, shares, ONE, sessions=sessions, session_s=session_s)
    assert SHORTEST_RETRY_S <= told_s <= LONGEST_RETRY_S


@given(st.floats(0.5, 2.0), st.floats(0.0, 1.0), st.integers(1, 100), st.floats(1.0, 300.0))
def test_more_load_is_told_to_come_back_later(share, more, sessions, session_s):
    told_s = [
        retry_after_s(finals(load), DEAR, ONE, sessions=sessions, session_s=session_s) for load in (share, share + more)
    ]
    assert told_s == sorted(told_s)


def test_where_sessions_are_short_the_wait_is_short():
    waits_s = [retry_after_s(finals(0.7), DEAR, ONE, sessions=20, session_s=session_s) for session_s in (10.0, 100.0)]
    assert waits_s[1] == pytest.approx(10 * waits_s[0])
    assert waits_s[0] < 10.0


def test_how_long_sessions_stay_is_learned():
    state = scheduler(ONE, now_s=0.0)
    for session in range(60):
        state = opened(state, session, now_s=0.0)
    for session in range(60):
        state, _ = closed(state, session, now_s=12.0)
    assert state.session_s == pytest.approx(12.0, abs=1.0)


# ---------------------------------------------------------------------------- from jobs to demand


def test_an_utterance_is_counted_once_whatever_is_decoded_of_it():
    state = crowd(1)
    for number, (urgency, length_s) in enumerate([(FIRST, 0.6), (SPECULATIVE, 3.0), (SPECULATIVE, 5.0), (FINAL, 5.0)]):
        state, _ = submit(state, job(0, number, urgency, length_s=length_s), now_s=0.0)
    assert state.demand.speech_s == pytest.approx(5.0)
    assert state.demand.finals == 3.0


def test_talk_without_partials_asks_for_none():
    state, _ = submit(crowd(1), job(0, 1, FINAL, length_s=5.0), now_s=0.0)
    assert state.demand.speech_s == 0.0


def test_work_of_sessions_that_are_not_open_is_not_counted():
    state, _ = submit(scheduler(LANES, now_s=0.0), job(0, 1, FINAL), now_s=0.0)
    assert state.demand == Demand(0.0)


def test_a_session_that_leaves_takes_its_demand_along():
    state = crowd(2)
    for session in (0, 1):
        state, _ = submit(state, job(session, 1, FIRST), now_s=1.0)
        state, _ = submit(state, job(session, 2, FINAL, length_s=4.0), now_s=4.0)
    both = load(state, now_s=5.0).utilisation
    state, _ = closed(state, 0, now_s=5.0)
    assert load(state, now_s=5.0).utilisation == pytest.approx(both / 2)
    state, _ = closed(state, 1, now_s=5.0)
    assert load(state, now_s=5.0).utilisation == 0.0


def test_partials_are_reckoned_at_what_they_cost_in_a_full_call():
    state = crowd(1)
    alone_s = state.shares.final_s
    for number in range(60):
        state, _ = submit(state, job(0, number, PARTIAL), now_s=0.0)
        state, batch = served(state)
        assert len(batch.jobs) == 1
        state = state._replace(costs=crowd(1).costs)
    assert state.shares.partial_s < 0.8 * alone_s


def test_short_first_partials_do_not_make_the_later_ones_look_cheap():
    state = crowd(1)
    for number in range(60):
        state, _ = submit(state, job(0, number, FIRST, length_s=0.6), now_s=0.0)
        state, batch = take(state, now_s=0.0)
        state = finished(state, batch, took_s=batch.predicted_s, now_s=0.0)
    assert state.shares.first_s < crowd(1).shares.first_s
    assert state.shares.partial_s == crowd(1).shares.partial_s


def test_a_machine_that_recovers_gets_its_partials_back():
    """All calls were slow when it started, and no partials are asked for since then."""
    state, now_s, number = crowd(1), 0.0, 0
    for _ in range(20):
        number += 1
        state, _ = submit(state, job(0, number, PARTIAL), now_s=now_s)
        state, _ = served(state, took_s=5.0, now_s=now_s)
    assert load(state, now_s=now_s).interval_s == LONGEST_INTERVAL_S
    for _ in range(60):
        now_s += TURN_S
        for urgency in (FIRST, FINAL):
            number += 1
            state, _ = submit(state, job(0, number, urgency), now_s=now_s)
            state, _ = served(state, took_s=0.05, now_s=now_s)
    assert load(state, now_s=now_s).interval_s == SHORTEST_INTERVAL_S


def test_two_lanes_carry_twice_as_much():
    demand = Demand(0.0, 3.0, 30.0, 2.0)
    for told in (finals_share(demand, DEAR, ONE), utilisation(demand, DEAR, ONE, 1.0)):
        assert told > 0
    assert finals_share(demand, DEAR, Lanes(count=2)) == pytest.approx(finals_share(demand, DEAR, ONE) / 2)
    assert utilisation(demand, DEAR, Lanes(count=2), 1.0) == pytest.approx(utilisation(demand, DEAR, ONE, 1.0) / 2)
