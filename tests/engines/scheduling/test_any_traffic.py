"""Whatever comes in whatever order: what the scheduler holds then."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from auricle.engines.policy.events import Urgency
from auricle.engines.protocol import ENGINE_RATE, Lanes
from auricle.engines.scheduling.averages import BLOCKING_CALLS, BLOCKING_S
from auricle.engines.scheduling.jobs import JobId, bucket_of
from auricle.engines.scheduling.load import LONGEST_INTERVAL_S, LONGEST_RETRY_S, MEMORY_S, SHORTEST_INTERVAL_S, faded
from auricle.engines.scheduling.queue import HIGHEST_LIFT, SKIPS
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
    resized,
    scheduler,
    submit,
    take,
)
from engines.scheduling.job_factories import BUCKETS_S, job

SESSIONS = st.integers(0, 7)
LENGTHS_S = st.sampled_from([0.5, 2.0, 3.0, 8.0, 20.0])
NON_FINALS = (Urgency.SPECULATIVE, Urgency.FIRST, Urgency.PARTIAL)


class AnyTraffic(RuleBasedStateMachine):
    """Keeps its own list of what must still be there."""

    @initialize(count=st.integers(1, 3), batch=st.integers(1, 5), has_buckets=st.booleans())
    def _begin(self, count, batch, has_buckets):
        buckets = tuple(length * ENGINE_RATE for length in BUCKETS_S) if has_buckets else ()
        self.lanes = Lanes(count=count, batch=batch, buckets=buckets)
        self.now_s = 0.0
        self.state = scheduler(self.lanes, now_s=0.0)
        self.held = {}
        self.running = {}
        self.numbers = dict.fromkeys(range(8), 0)

    def _left(self, dropped, *, allowed=NON_FINALS):
        for one in dropped:
            expected = self.held.pop(one.id)
            assert expected.urgency in allowed

    # ------------------------------------------------------------------------ what comes

    @rule(elapsed_s=st.floats(0.0, 20.0))
    def time_goes_by(self, elapsed_s):
        self.now_s += elapsed_s

    @rule(
        session=SESSIONS,
        urgency=st.sampled_from(Urgency),
        length_s=LENGTHS_S,
        key=st.integers(0, 1),
        due_s=st.floats(-1.0, 5.0),
    )
    def a_job_comes(self, session, urgency, length_s, key, due_s):
        self.numbers[session] += 1
        new = job(session, self.numbers[session], urgency, length_s=length_s, key=key, due_s=self.now_s + due_s)
        self.state, dropped = submit(self.state, new, now_s=self.now_s)
        self.held[new.id] = new
        self._left(dropped)
        assert new.id in self.held
        assert all(one.session == session for one in dropped)

    @rule(session=SESSIONS, back=st.integers(0, 3))
    def a_job_is_dropped(self, session, back):
        which = JobId(session, self.numbers[session] - back)
        self.state, dropped = drop(self.state, which)
        assert [one.id for one in dropped] == [which] * (which in self.held)
        self._left(dropped, allowed=tuple(Urgency))

    @rule(session=SESSIONS, back=st.integers(0, 3))
    def a_job_is_waited_for(self, session, back):
        which = JobId(session, self.numbers[session] - back)
        self.state, dropped = promote(self.state, which, now_s=self.now_s)
        self._left(dropped)
        final = next((one for one in queued(self.state) if one.id == which), None)
        assert (final is not None) == (which in self.held)
        if final is not None:
            assert final.urgency is Urgency.FINAL
            self.held[which] = final

    @rule(session=SESSIONS)
    def a_client_goes_on(self, session):
        if session not in self.state.sessions:
            self.state = opened(self.state, session, now_s=self.now_s)

    @rule(session=SESSIONS, leaves=st.sampled_from([closed, forget]))
    def a_client_goes(self, session, leaves):
        if leaves is closed:
            self.state, dropped = closed(self.state, session, now_s=self.now_s)
        else:
            self.state, dropped = forget(self.state, session)
        assert {one.id for one in dropped} == {which for which in self.held if which.session == session}
        self._left(dropped, allowed=tuple(Urgency))

    @rule(count=st.integers(0, 4))
    def workers_come_or_go(self, count):
        """Nothing that waits or runs is touched; with fewer than run nothing begins, and none at all counts as one."""
        self.state = resized(self.state, count, now_s=self.now_s)
        self.lanes = replace(self.lanes, count=max(1, count))
        assert self.state.lanes == self.lanes

    # ------------------------------------------------------------------------ what is served

    @rule()
    def a_lane_is_free(self):
        before = queued(self.state)
        self.state, batch = take(self.state, now_s=self.now_s)
        if batch is None:
            assert not before or len(self.running) >= self.lanes.count
            return
        self.running[batch.number] = batch
        self._one_call(batch)
        self._in_order(before, batch)
        for one in batch.jobs:
            del self.held[one.id]

    def _one_call(self, batch):
        assert 1 <= len(batch.jobs) <= self.lanes.batch
        assert len({one.key for one in batch.jobs}) == 1
        assert {bucket_of(self.lanes, one.samples) for one in batch.jobs} == {batch.group[0]}
        assert batch.predicted_s > 0.0
        finals = sum(one.urgency is Urgency.FINAL for one in batch.jobs)
        if len(batch.jobs) > max(finals, 1):
            # Every size is predicted from the same costs: those that held when it was taken.
            fresh = scheduler(self.lanes, now_s=0.0)._replace(costs=self.state.costs)
            alone = max(batch.jobs, key=lambda one: one.samples)
            fresh, _ = submit(fresh, alone, now_s=0.0)
            _, single = take(fresh, now_s=0.0)
            assert batch.predicted_s <= max(BLOCKING_S, BLOCKING_CALLS * single.predicted_s) * 1.0001

    def _in_order(self, before, batch):
        finals = [one for one in before if one.urgency is Urgency.FINAL]
        taken = [one for one in batch.jobs if one.urgency is Urgency.FINAL]
        if finals:
            assert batch.jobs[0].deadline_s == min(one.deadline_s for one in finals)
            assert batch.jobs[: len(taken)] == tuple(
                sorted(taken, key=lambda one: (one.deadline_s, one.number, one.session))
            )
            alike = [one for one in finals if (bucket_of(self.lanes, one.samples), one.key) == batch.group]
            assert len(taken) == min(len(alike), self.lanes.batch)
            later = max(one.deadline_s for one in taken)
            assert all(one in taken or one.deadline_s >= later for one in alike)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), took_s=st.floats(0.0, 100.0), ends=st.sampled_from([finished, failed]))
    def a_call_ends(self, data, took_s, ends):
        batch = self.running.pop(data.draw(st.sampled_from(sorted(self.running))))
        if ends is finished:
            self.state = finished(self.state, batch, took_s=took_s, now_s=self.now_s)
        else:
            self.state = failed(self.state, batch)

    # ------------------------------------------------------------------------ what always holds

    @invariant()
    def nothing_is_lost_and_nothing_is_there_twice(self):
        here = queued(self.state)
        assert len({one.id for one in here}) == len(here)
        assert {one.id for one in here} == set(self.held)

    @invariant()
    def a_session_has_one_partial_and_one_speculation_at_most(self):
        for session in range(8):
            urgencies = [one.urgency for one in queued(self.state) if one.session == session]
            assert sum(urgency in (Urgency.FIRST, Urgency.PARTIAL) for urgency in urgencies) <= 1
            assert urgencies.count(Urgency.SPECULATIVE) <= 1

    @invariant()
    def nothing_waits_that_a_final_made_worthless(self):
        for one in queued(self.state):
            if one.urgency is Urgency.FINAL:
                olds = [other for other in queued(self.state) if other.session == one.session]
                assert all(other.number >= one.number or other.urgency is Urgency.FINAL for other in olds)

    @invariant()
    def demand_is_the_sum_of_that_of_the_sessions(self):
        total = faded(self.state.demand, self.now_s)
        for name in ("finals", "speech_s", "unknown"):
            parts = [getattr(faded(one.demand, self.now_s), name) for one in self.state.sessions.values()]
            assert abs(getattr(total, name) - sum(parts)) < 1e-6

    @invariant()
    def the_load_makes_sense(self):
        told = load(self.state, now_s=self.now_s)
        assert SHORTEST_INTERVAL_S <= told.interval_s <= LONGEST_INTERVAL_S
        assert told.utilisation >= 0.0
        assert (told.retry_after_s == 0.0) == told.admits
        assert told.retry_after_s <= LONGEST_RETRY_S
        assert told.admits or self.state.sessions
        assert (told.late_s > 0.0) == any(
            one.urgency is Urgency.FINAL and one.deadline_s < self.now_s for one in queued(self.state)
        )


TestAnyTraffic = AnyTraffic.TestCase


@given(
    others=st.lists(st.tuples(st.sampled_from(NON_FINALS), LENGTHS_S, st.floats(0.0, 1.0)), min_size=80, max_size=80),
    batch=st.integers(1, 4),
    renewed=st.booleans(),
)
def test_nobody_starves(others, batch, renewed):
    """One session has a partial; eight others bring something more urgent before every single call."""
    lanes = Lanes(count=1, batch=batch)
    state, _ = submit(scheduler(lanes, now_s=0.0), job(99, 1, due_s=0.5), now_s=0.0)
    bound = SKIPS * (Urgency.PARTIAL - HIGHEST_LIFT) + 8
    for number, (urgency, length_s, later_s) in enumerate(others, start=1):
        now_s = 0.6 + number * 0.1
        if renewed:
            state, _ = submit(state, job(99, number + 1, due_s=now_s + 0.5), now_s=now_s)
        other = job(number % 8, number, urgency, length_s=length_s, key="other", due_s=now_s + later_s)
        state, _ = submit(state, other, now_s=now_s)
        state, taken = take(state, now_s=now_s)
        if any(one.session == 99 for one in taken.jobs):
            assert number <= bound + 1
            return
        state = finished(state, taken, took_s=0.1, now_s=now_s)
    raise AssertionError("never served")


@given(st.lists(st.tuples(SESSIONS, st.floats(0.0, 9.0), LENGTHS_S, st.integers(0, 1)), max_size=40))
def test_finals_alone_in_a_lane_go_by_their_deadline(finals):
    state = scheduler(Lanes(count=1, batch=1, buckets=(2 * ENGINE_RATE,)), now_s=0.0)
    for number, (session, due_s, length_s, key) in enumerate(finals):
        state, _ = submit(
            state, job(session, number, Urgency.FINAL, length_s=length_s, key=key, due_s=due_s), now_s=0.0
        )
    served_s = []
    for _ in finals:
        state, batch = take(state, now_s=0.0)
        served_s += [one.deadline_s for one in batch.jobs]
        state = finished(state, batch, took_s=0.1, now_s=0.0)
    assert served_s == sorted(due_s for _, due_s, _, _ in finals)


@given(st.permutations(range(12)))
def test_the_newest_partial_wins_in_whatever_order_they_come(numbers):
    state, dropped = scheduler(Lanes(), now_s=0.0), []
    for number in numbers:
        state, gone = submit(state, job(1, number), now_s=0.0)
        dropped += [one.number for one in gone]
    assert [one.number for one in queued(state)] == [11]
    assert sorted(dropped) == list(range(11))


def test_what_is_asked_for_is_forgotten():
    state, _ = submit(opened(scheduler(Lanes(), now_s=0.0), 1, now_s=0.0), job(1, 1, Urgency.FINAL), now_s=0.0)
    assert load(state, now_s=20 * MEMORY_S).utilisation < 1e-6
