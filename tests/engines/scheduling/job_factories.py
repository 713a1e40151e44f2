"""Jobs and lanes for tests, in seconds."""

from auricle.engines.policy.events import Urgency
from auricle.engines.protocol import ENGINE_RATE, Lanes
from auricle.engines.scheduling.jobs import Batch, Job, deadline_s
from auricle.engines.scheduling.scheduler import Scheduler, finished, opened, scheduler, submit, take

FINAL, SPECULATIVE, FIRST, PARTIAL = Urgency
BUCKETS_S = (2, 4, 8)
LANES = Lanes(count=1, batch=4, buckets=tuple(length * ENGINE_RATE for length in BUCKETS_S))


def job(session, number=1, urgency=PARTIAL, *, length_s=1.5, key=0, released_s=0.0, due_s=None) -> Job:
    if due_s is None:
        due_s = deadline_s(urgency, released_s=released_s, interval_s=0.5)
    return Job(
        session=session,
        number=number,
        urgency=urgency,
        samples=round(length_s * ENGINE_RATE),
        key=key,
        released_s=released_s,
        deadline_s=due_s,
    )


def queue_of(*jobs, lanes=LANES) -> Scheduler:
    state = scheduler(lanes, now_s=0.0)
    for one in jobs:
        state, dropped = submit(state, one, now_s=0.0)
        assert dropped == ()
    return state


def served(state, *, took_s=0.01, now_s=0.0) -> tuple[Scheduler, Batch]:
    """Take a batch and run it."""
    state, batch = take(state, now_s=now_s)
    assert batch is not None
    return finished(state, batch, took_s=took_s, now_s=now_s + took_s), batch


def all_served(state) -> list[Batch]:
    batches = []
    while True:
        state, batch = take(state, now_s=0.0)
        if batch is None:
            return batches
        batches.append(batch)
        state = finished(state, batch, took_s=batch.predicted_s, now_s=0.0)


def crowd(sessions, *, lanes=LANES, now_s=0.0) -> Scheduler:
    state = scheduler(lanes, now_s=now_s)
    for session in range(sessions):
        state = opened(state, session, now_s=now_s)
    return state


def taught(state, took_s, *, calls=40, urgency=FINAL) -> Scheduler:
    """Let calls with one window take so long, all of them."""
    for number in range(1, calls + 1):
        state, _ = submit(state, job(-1, number, urgency), now_s=0.0)
        state, _ = served(state, took_s=took_s)
    return state
