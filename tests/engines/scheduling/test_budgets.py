"""The one budget of a call: what ends it, and how long somebody has to wait for it, agree."""

from hypothesis import given
from hypothesis import strategies as st

from auricle.core import Limits
from auricle.engines.scheduling.budgets import (
    ATTEMPTS,
    FACTOR,
    SHORTEST_S,
    attempt_budget_s,
    call_budget_s,
    first_call_budget_s,
    longest_call_s,
    reload_budget_s,
    utterance_budget_s,
)
from auricle.engines.scheduling.load import LONGEST_WAIT_S
from auricle.engines.scheduling.scheduler import (
    closed,
    engine_s,
    final_wait_s,
    load,
    longest_budget_s,
    opened,
    overdue_s,
    submit,
    take,
)
from engines.scheduling.job_factories import FINAL, PARTIAL, crowd, job, taught

SECONDS = st.floats(0.0, 1e4)


@given(SECONDS)
def test_a_call_has_many_times_what_was_predicted_and_never_less_than_seconds(predicted_s):
    assert call_budget_s(predicted_s) >= max(SHORTEST_S, FACTOR * predicted_s)
    assert call_budget_s(predicted_s) <= max(SHORTEST_S, FACTOR * predicted_s)


@given(SECONDS, SECONDS)
def test_whoever_waits_waits_longer_than_all_attempts_take(budget_s, reload_s):
    attempts_s = sum(attempt_budget_s(budget_s, wedged) for wedged in range(ATTEMPTS))
    assert longest_call_s(budget_s, reload_s) >= attempts_s + ATTEMPTS * reload_s


def test_a_call_about_an_utterance_is_ended_before_a_drain_is():
    longest_segment_s = 24.0
    assert utterance_budget_s(longest_segment_s) < Limits().drain_timeout_s


def test_a_restart_has_many_times_what_loading_took():
    assert reload_budget_s(0.1) == 30.0
    assert reload_budget_s(60.0) == 600.0


def test_a_final_waits_for_what_runs_and_for_the_finals_before_it():
    state = taught(crowd(3), 2.0)
    alone_s = final_wait_s(state, now_s=0.0)
    assert 1.5 <= alone_s <= 2.5
    state, _ = submit(state, job(0, 1, FINAL), now_s=0.0)
    state, batch = take(state, now_s=0.0)
    assert batch is not None
    behind_s = final_wait_s(state, now_s=0.0)
    assert 1.5 * alone_s <= behind_s <= 2.5 * alone_s
    assert final_wait_s(state, now_s=1e3) <= 1.1 * alone_s, "a call that is late is not predicted to go on"
    state, _ = submit(state, job(1, 1, PARTIAL), now_s=0.0)
    assert final_wait_s(state, now_s=0.0) == behind_s, "no partial goes before a final"
    state, _ = submit(state, job(2, 1, FINAL, key="another"), now_s=0.0)
    assert final_wait_s(state, now_s=0.0) > 1.3 * behind_s


def test_the_engine_is_thought_to_be_asked_by_everybody():
    one, ten = taught(crowd(1), 2.0), taught(crowd(10), 2.0)
    assert engine_s(ten, now_s=0.0) >= 5 * engine_s(one, now_s=0.0) / 2


def test_the_first_call_has_the_budget_of_one_that_nothing_is_known_of():
    state, _ = submit(crowd(1), job(0, 1, FINAL, length_s=2.0), now_s=0.0)
    state, batch = take(state, now_s=5.0)
    assert batch is not None
    assert batch.budget_s == first_call_budget_s(2.0)
    assert longest_budget_s(state) >= batch.budget_s
    assert overdue_s(state, now_s=5.0 + batch.budget_s - 1.0) < 0.0
    assert overdue_s(state, now_s=5.0 + batch.budget_s + 1.0) == 1.0


def test_a_known_call_has_the_budget_of_its_prediction():
    state, _ = submit(taught(crowd(1), 2.0), job(0, 1, FINAL), now_s=0.0)
    _, batch = take(state, now_s=0.0)
    assert batch is not None
    assert batch.budget_s == call_budget_s(batch.predicted_s)


def test_nobody_is_admitted_while_finals_come_too_late():
    """Also where the lanes are idle on average: it is the queue that counts."""
    state = taught(crowd(1), 1.0)
    state = state._replace(pace=state.pace._replace(admits=True))
    assert load(state, now_s=1e3).admits
    for number in range(1, 200):
        state, _ = submit(state, job(0, number, FINAL, released_s=1e3), now_s=1e3)
    wait_s = final_wait_s(state, now_s=1e3)
    assert wait_s > LONGEST_WAIT_S
    told = load(state, now_s=1e3)
    assert not told.admits
    assert told.retry_after_s >= 1.0


def test_somebody_who_is_alone_is_admitted_however_slow_the_engine_is():
    state = taught(crowd(1), 100.0)
    state, _ = closed(state, 0, now_s=0.0)
    assert load(state, now_s=0.0).admits
    assert not load(opened(state, 7, now_s=0.0), now_s=0.0).admits
