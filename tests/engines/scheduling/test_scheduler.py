"""Each rule of the scheduler, with the least that shows it."""

import pytest

from auricle.engines.protocol import ENGINE_RATE, Lanes
from auricle.engines.scheduling.averages import BLOCKING_CALLS, BLOCKING_S
from auricle.engines.scheduling.jobs import JobId, deadline_s
from auricle.engines.scheduling.queue import SKIPS
from auricle.engines.scheduling.scheduler import (
    closed,
    drop,
    failed,
    finished,
    forget,
    load,
    opened,
    promote,
    queued,
    scheduler,
    submit,
    take,
)
from engines.scheduling.job_factories import (
    FINAL,
    FIRST,
    LANES,
    PARTIAL,
    SPECULATIVE,
    all_served,
    crowd,
    job,
    queue_of,
    served,
    taught,
)

ALONE = Lanes(count=1, batch=1)


def order(batches):
    return [one.session for batch in batches for one in batch.jobs]


# ---------------------------------------------------------------------------- order


def test_nothing_to_do():
    state = queue_of()
    assert take(state, now_s=0.0) == (state, None)


def test_the_class_decides_before_the_deadline():
    jobs = [job(1, urgency=PARTIAL, due_s=1.0), job(2, urgency=FIRST, due_s=2.0)]
    jobs += [job(3, urgency=SPECULATIVE, due_s=3.0), job(4, urgency=FINAL, due_s=4.0)]
    assert order(all_served(queue_of(*jobs, lanes=ALONE))) == [4, 3, 2, 1]


def test_the_earliest_deadline_of_a_class_is_first():
    jobs = [job(1, urgency=FINAL, due_s=3.0), job(2, urgency=FINAL, due_s=1.0), job(3, urgency=FINAL, due_s=2.0)]
    assert order(all_served(queue_of(*jobs, lanes=ALONE))) == [2, 3, 1]


def test_a_session_skipped_four_times_moves_up_one_class():
    state = queue_of(job(0, urgency=PARTIAL, due_s=0.0), lanes=ALONE)
    for number in range(1, SKIPS + 1):
        state, _ = submit(state, job(1, number, FIRST, due_s=9.0), now_s=0.0)
        state, batch = served(state)
        assert order([batch]) == [1]
    state, _ = submit(state, job(1, 9, FIRST, due_s=9.0), now_s=0.0)
    assert order(all_served(state)) == [0, 1]


def test_a_session_that_was_served_is_skipped_anew():
    state = queue_of(job(0, 1, PARTIAL, due_s=0.0), job(0, 2, SPECULATIVE, due_s=0.0), lanes=ALONE)
    for number in range(SKIPS):
        state, _ = submit(state, job(1, number, FINAL, due_s=9.0), now_s=0.0)
        state, _ = served(state)
    state, batch = served(state)
    assert [one.urgency for one in batch.jobs] == [SPECULATIVE]
    state, _ = submit(state, job(1, 9, FIRST, due_s=9.0), now_s=0.0)
    assert order(all_served(state)) == [1, 0]


def test_nobody_moves_up_to_the_finals():
    state = queue_of(job(0, urgency=PARTIAL, due_s=0.0), lanes=ALONE)
    for number in range(1, 20 * SKIPS):
        state, _ = submit(state, job(1, number, FINAL, due_s=9.0), now_s=0.0)
        state, batch = served(state)
        assert order([batch]) == [1]


@pytest.mark.parametrize(("urgency", "due_s"), [(FINAL, 7.1), (SPECULATIVE, 7.2), (FIRST, 7.5), (PARTIAL, 7.75)])
def test_when_a_job_is_due(urgency, due_s):
    assert deadline_s(urgency, released_s=7.0, interval_s=0.75) == pytest.approx(due_s)


# ---------------------------------------------------------------------------- replaced, dropped, promoted


def test_a_newer_partial_replaces_the_older_one_and_takes_its_place():
    first = job(1, 1, FIRST, due_s=0.5)
    state = queue_of(first)
    state, dropped = submit(state, job(1, 2, PARTIAL, due_s=1.0), now_s=0.5)
    assert dropped == (first,)
    assert [(one.number, one.urgency, one.deadline_s) for one in queued(state)] == [(2, FIRST, 0.5)]


def test_a_replacement_keeps_the_age():
    state = queue_of(job(0, 1, PARTIAL, due_s=0.0), lanes=ALONE)
    for number in range(1, SKIPS + 1):
        state, _ = submit(state, job(0, number + 1, PARTIAL, due_s=5.0), now_s=0.0)
        state, _ = submit(state, job(1, number, FIRST, due_s=1.0), now_s=0.0)
        state, _ = served(state)
    state, _ = submit(state, job(1, 9, FIRST, due_s=1.0), now_s=0.0)
    assert order(all_served(state)) == [0, 1]


def test_a_partial_that_comes_late_is_dropped_itself():
    state = queue_of(job(1, 2))
    late = job(1, 1)
    assert submit(state, late, now_s=0.0) == (state, (late,))


def test_a_final_makes_the_rest_of_its_session_worthless_but_not_other_finals():
    others = [job(1, 1, FINAL), job(2, 1, PARTIAL)]
    stale = (job(1, 2, PARTIAL), job(1, 3, SPECULATIVE))
    state, dropped = submit(queue_of(*others, *stale), job(1, 4, FINAL), now_s=0.0)
    assert dropped == stale
    assert {one.id for one in queued(state)} == {(1, 1), (2, 1), (1, 4)}


def test_a_speculation_leaves_the_partial_before_it():
    state = queue_of(job(1, 1, PARTIAL), job(1, 2, SPECULATIVE))
    state, dropped = submit(state, job(1, 3, SPECULATIVE), now_s=0.0)
    assert [one.number for one in dropped] == [2]
    assert [one.number for one in queued(state)] == [1, 3]


def test_a_promoted_speculation_is_a_final():
    state = queue_of(job(1, 1, PARTIAL), job(1, 2, SPECULATIVE, due_s=9.0), job(2, 1, FINAL, due_s=5.0))
    state, dropped = promote(state, JobId(1, 2), now_s=1.0)
    assert [one.number for one in dropped] == [1]
    state, batch = served(state)
    assert [(one.session, one.urgency) for one in batch.jobs] == [(1, FINAL), (2, FINAL)]


@pytest.mark.parametrize(("due_s", "expected_s"), [(9.0, 1.1), (0.2, 0.2)])
def test_a_promoted_speculation_is_due_when_a_final_is_and_never_later_than_it_was(due_s, expected_s):
    state, _ = promote(queue_of(job(1, 1, SPECULATIVE, due_s=due_s)), JobId(1, 1), now_s=1.0)
    assert [one.deadline_s for one in queued(state)] == [pytest.approx(expected_s)]


def test_dropping_and_promoting_what_does_not_wait_does_nothing():
    state, _ = take(queue_of(job(1, 1, SPECULATIVE)), now_s=0.0)
    assert drop(state, JobId(1, 1)) == (state, ())
    assert promote(state, JobId(1, 1), now_s=0.0) == (state, ())
    assert forget(state, 5) == (state, ())


def test_a_dropped_job_is_told():
    state, dropped = drop(queue_of(job(1, 1), job(2, 1)), JobId(1, 1))
    assert dropped == (job(1, 1),)
    assert [one.session for one in queued(state)] == [2]


def test_a_client_that_has_gone_takes_its_finals_along():
    state, dropped = forget(queue_of(job(1, 1, FINAL), job(1, 2, PARTIAL), job(2, 1)), 1)
    assert [one.number for one in dropped] == [1, 2]
    assert order(all_served(state)) == [2]


def test_a_job_is_queued_once():
    with pytest.raises(ValueError, match="queued already"):
        submit(queue_of(job(1, 1)), job(1, 1, FINAL), now_s=0.0)


# ---------------------------------------------------------------------------- batches


def test_sessions_share_a_call_up_to_its_size():
    batches = all_served(queue_of(*(job(session, urgency=FINAL) for session in range(6))))
    assert [len(batch.jobs) for batch in batches] == [4, 2]


@pytest.mark.parametrize("other", [{"length_s": 3.0}, {"key": "de"}], ids=["bucket", "key"])
def test_a_call_holds_one_bucket_and_one_key(other):
    batches = all_served(queue_of(job(1, urgency=FINAL), job(2, urgency=FINAL, **other)))
    assert [len(batch.jobs) for batch in batches] == [1, 1]


def test_a_bucket_holds_its_own_length():
    batches = all_served(queue_of(job(1, length_s=2.0), job(2, length_s=1.9), job(3, length_s=2.01)))
    assert [(batch.group[0], len(batch.jobs)) for batch in batches] == [(0, 2), (1, 1)]


def test_windows_beyond_every_bucket_share_the_last():
    batches = all_served(queue_of(job(1, urgency=FINAL, length_s=9.0), job(2, urgency=FINAL, length_s=20.0)))
    assert [(batch.group[0], len(batch.jobs)) for batch in batches] == [(len(LANES.buckets), 2)]


def test_what_nobody_waits_for_does_not_make_a_call_long():
    wide = Lanes(count=1, batch=32, buckets=LANES.buckets)
    _, batch = take(queue_of(*(job(session) for session in range(32)), lanes=wide), now_s=0.0)
    _, alone = take(queue_of(job(1), lanes=wide), now_s=0.0)
    assert 1 < len(batch.jobs) < 32
    assert batch.predicted_s <= max(BLOCKING_S, BLOCKING_CALLS * alone.predicted_s)


def test_finals_fill_a_call_however_long_it_gets():
    wide = Lanes(count=1, batch=32, buckets=LANES.buckets)
    jobs = [job(session, urgency=FINAL) for session in range(20)] + [job(session) for session in range(20, 40)]
    _, batch = take(queue_of(*jobs, lanes=wide), now_s=0.0)
    assert [one.urgency for one in batch.jobs] == [FINAL] * 20


def test_a_machine_that_is_quick_takes_all_at_once():
    wide = Lanes(count=1, batch=32, buckets=LANES.buckets)
    state = taught(scheduler(wide, now_s=0.0), 0.001)
    for session in range(32):
        state, _ = submit(state, job(session), now_s=0.0)
    assert len(take(state, now_s=0.0)[1].jobs) == 32


def test_a_job_that_takes_long_goes_alone():
    state = queue_of(job(1, length_s=25.0), job(2, length_s=25.0), lanes=Lanes(count=1, batch=1))
    assert [len(batch.jobs) for batch in all_served(state)] == [1, 1]


def test_a_lane_runs_one_call_at_a_time():
    state = queue_of(*(job(session, key=session) for session in range(3)), lanes=Lanes(count=2, batch=4))
    state, one = take(state, now_s=0.0)
    state, two = take(state, now_s=0.0)
    assert None not in (one, two)
    assert take(state, now_s=0.0)[1] is None
    assert take(finished(state, one, took_s=0.1, now_s=0.1), now_s=0.1)[1] is not None
    assert take(failed(failed(state, two), two), now_s=0.1)[1] is not None


def test_a_call_that_failed_teaches_nothing():
    state, batch = take(queue_of(job(1)), now_s=0.0)
    assert failed(state, batch).costs == state.costs


# ---------------------------------------------------------------------------- sessions and load


def test_a_session_opens_once_and_closes_twice():
    state = opened(queue_of(), 1, now_s=0.0)
    with pytest.raises(ValueError, match="open already"):
        opened(state, 1, now_s=0.0)
    state, dropped = closed(submit(state, job(1), now_s=0.0)[0], 1, now_s=1.0)
    assert dropped == (job(1),)
    assert closed(state, 1, now_s=1.0) == (state, ())


def test_an_overdue_final_is_told():
    state = queue_of(job(1, 1, FINAL, due_s=1.0), job(2, 1, FINAL, due_s=3.0), job(3, 1, PARTIAL, due_s=0.0))
    assert load(state, now_s=0.5).late_s == 0.0
    assert load(state, now_s=2.5).late_s == 1.5


def test_an_idle_machine_is_not_loaded():
    assert load(crowd(1), now_s=0.0)[1:] == (0.5, True, 0.0, 0.0)


def test_samples_are_engine_samples():
    assert job(1, length_s=2.0).samples == 2 * ENGINE_RATE
