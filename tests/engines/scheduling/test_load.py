"""How often partials may come, and who is admitted."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from auricle.engines.protocol import Lanes
from auricle.engines.scheduling.load import (
    FINALS_FULL,
    FINALS_RELAXED,
    FULL,
    HOLD_S,
    INTERVALS_S,
    LONGEST_RETRY_S,
    MEMORY_S,
    RELAXED,
    SHORTEST_RETRY_S,
    SPEECH_SHARE,
    TURN_S,
    Demand,
    Level,
    Shares,
    faded,
    finals_share,
    minus,
    newcomer,
    next_level,
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


def talk(share, level):
    """Return the demand that keeps one lane so busy at ``level``, with `BUSY`."""
    return Demand(0.0, speech_s=share * MEMORY_S * INTERVALS_S[level])


def step(level, demand, *, now_s=100.0, shares=BUSY):
    return next_level(level, demand, shares, ONE, sessions=3, now_s=now_s)


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
    first = utilisation(demand, shares, ONE, 0)
    now_s = 0.0
    while now_s < 4 * MEMORY_S:
        now_s += TURN_S
        demand = plus(demand, Demand(now_s, finals=1.0, speech_s=SPEECH_SHARE * TURN_S))
        middle = faded(demand, now_s + TURN_S / 2)
        assert utilisation(middle, shares, ONE, 0) == pytest.approx(first, rel=0.15)


@given(DEMANDS, SHARES)
def test_longer_intervals_are_less_work(demand, shares):
    assume(demand.speech_s >= demand.finals * INTERVALS_S[2])  # every utterance has time for a partial a second
    told = [utilisation(demand._replace(unknown=0.0), shares, ONE, level) for level in range(len(INTERVALS_S))]
    assert told == sorted(told, reverse=True)


def test_where_only_first_partials_are_left_each_utterance_has_one():
    demand, shares = Demand(0.0, finals=MEMORY_S, speech_s=999.0), Shares(final_s=0.2, first_s=0.03, partial_s=9.0)
    assert utilisation(demand, shares, ONE, len(INTERVALS_S) - 1) == pytest.approx(0.23)


# ---------------------------------------------------------------------------- levels


def test_levels_stretch_the_interval_and_then_leave_the_first_alone():
    assert INTERVALS_S == (0.5, 0.75, 1.0, None)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_level_is_left_at_once_when_it_is_too_much(level):
    assert step(Level(level, since_s=100.0), talk(FULL + 0.01, level)).number == level + 1
    assert step(Level(level, since_s=100.0), talk(FULL - 0.01, level)).number == level


def test_a_flood_goes_up_all_the_way():
    assert step(Level(), talk(50.0, 0)) == Level(3, 100.0, True)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_level_is_taken_back_with_room_to_spare(level):
    assert step(Level(level, since_s=0.0), talk(RELAXED + 0.01, level - 1)).number == level
    assert step(Level(level, since_s=0.0), talk(RELAXED - 0.01, level - 1)).number == level - 1


def test_a_level_lasts():
    quiet = Demand(0.0)
    assert step(Level(2, since_s=100.0), quiet, now_s=99.9 + HOLD_S) == Level(2, 100.0, True)
    assert step(Level(2, since_s=100.0), quiet, now_s=100.0 + HOLD_S) == Level(1, 100.0 + HOLD_S, True)


@given(st.floats(0.0, 3.0), st.lists(st.floats(-0.1, 0.1), min_size=2, max_size=300))
def test_an_estimate_that_trembles_does_not_make_the_level_swing(share, trembles):
    level, numbers = Level(), []
    for second, tremble in enumerate(trembles):
        demand = Demand(0.0, speech_s=share * (1 + tremble) * MEMORY_S * 0.5)
        level = step(level, demand, now_s=float(second))
        numbers.append(level.number)
    assert numbers == sorted(numbers)


@given(st.lists(st.tuples(st.floats(0.0, 5.0), st.floats(0.0, 3.0)), max_size=200))
def test_a_level_is_never_taken_back_early_nor_kept_too_low(moments):
    level, now_s = Level(), 0.0
    for elapsed_s, share in moments:
        now_s += elapsed_s
        demand = Demand(0.0, speech_s=share * MEMORY_S * 0.5)
        before, level = level, step(level, demand, now_s=now_s)
        assert level.number >= before.number or now_s - before.since_s >= HOLD_S
        assert level.number == 3 or utilisation(demand, BUSY, ONE, level.number) <= FULL


# ---------------------------------------------------------------------------- admission


def finals(share):
    """Return the demand of finals that keeps one lane so busy when each takes a second."""
    return Demand(100.0, finals=share * MEMORY_S)


DEAR = Shares(final_s=1.0, first_s=0.001, partial_s=0.001)
ONE_MORE = 1.0 / TURN_S


def test_refused_above_the_one_bar_and_admitted_below_the_other():
    high, between, low = (finals(bar - ONE_MORE) for bar in (FINALS_FULL + 0.01, 0.55, FINALS_RELAXED - 0.01))
    assert not step(Level(), high, shares=DEAR).admits
    assert step(Level(), between, shares=DEAR).admits
    assert not step(Level(admits=False), between, shares=DEAR).admits
    assert step(Level(admits=False), low, shares=DEAR).admits


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
    assert load(state, now_s=now_s).level == 3
    for _ in range(60):
        now_s += TURN_S
        for urgency in (FIRST, FINAL):
            number += 1
            state, _ = submit(state, job(0, number, urgency), now_s=now_s)
            state, _ = served(state, took_s=0.05, now_s=now_s)
    assert load(state, now_s=now_s).level == 0


def test_two_lanes_carry_twice_as_much():
    demand = Demand(0.0, 3.0, 30.0, 2.0)
    for told in (finals_share(demand, DEAR, ONE), utilisation(demand, DEAR, ONE, 1)):
        assert told > 0
    assert finals_share(demand, DEAR, Lanes(count=2)) == pytest.approx(finals_share(demand, DEAR, ONE) / 2)
    assert utilisation(demand, DEAR, Lanes(count=2), 1) == pytest.approx(utilisation(demand, DEAR, ONE, 1) / 2)
