"""The scheduler: what waits, what runs, what calls cost, what sessions ask for. Pure and immutable.

::

    state = scheduler(engine.lanes, now_s=now)
    state = opened(state, 7, now_s=now)                     # only if load(state, now_s=now).admits
    state, dropped = submit(state, job, now_s=now)          # older partials that this one replaced
    state, batch = take(state, now_s=now)                   # whenever a lane is free; None: nothing to do
    state = finished(state, batch, took_s=0.08, now_s=now)  # or failed(state, batch)
    state, dropped = closed(state, 7, now_s=now)

Every function returns a new state, and where jobs can leave unserved also these. Each taken batch must be given back
with `finished` or `failed`, or its lane is lost.

No job is held back for a batch to fill: a batch is what waits when a lane is free, so it grows with the load.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final, NamedTuple

from auricle.engines.policy.events import Urgency
from auricle.engines.protocol import ENGINE_RATE, Lanes
from auricle.engines.scheduling.averages import room, shared, usual_shares
from auricle.engines.scheduling.budgets import call_budget_s, first_call_budget_s
from auricle.engines.scheduling.costs import Costs, learned, predict_s
from auricle.engines.scheduling.jobs import FINAL_DUE_S, Batch, Group, Job, JobId, bucket_of, heard_samples
from auricle.engines.scheduling.load import (
    IDLE_S,
    LONGEST_WAIT_S,
    SESSION_GAIN,
    SESSION_S,
    Demand,
    Load,
    Pace,
    Shares,
    catches_up_s,
    faded,
    minus,
    newcomer,
    next_pace,
    plus,
    retry_after_s,
    utilisation,
)
from auricle.engines.scheduling.queue import (
    Queue,
    Waiting,
    add,
    batch_candidates,
    make_final,
    ranked,
    remove,
    remove_session,
    waiting,
    without,
)

USUAL_SAMPLES: Final = 3 * ENGINE_RATE
"""Length of a window before any was seen. Source: notes §4.3."""


class Session(NamedTuple):
    """What is known of a session."""

    opened_s: float
    demand: Demand
    utterance_s: float | None = None
    """How much of the open utterance is in its demand; None: it has no partials so far."""


class Scheduler(NamedTuple):
    """The state."""

    lanes: Lanes
    queue: Queue
    costs: Costs
    running: Mapping[int, Batch]
    """By number."""
    sessions: Mapping[int, Session]
    demand: Demand
    """The sum of that of all sessions."""
    shares: Shares
    """At a `Costs.scale` of 1: what partials cost is known from when some were decoded, and from how quick the machine
    has become since."""
    pace: Pace
    session_s: float = SESSION_S
    """How long sessions last, on average."""
    busy_s: float = float("-inf")
    """When a session was last taken, or a call ended."""


Dropped = tuple[Job, ...]
"""Jobs that left the queue and will not be decoded."""


def scheduler(lanes: Lanes, *, now_s: float) -> Scheduler:
    """Return the scheduler of an engine that has just been loaded."""
    state = Scheduler(
        lanes=lanes,
        queue=Queue(),
        costs=Costs(),
        running=MappingProxyType({}),
        sessions=MappingProxyType({}),
        demand=Demand(now_s),
        shares=Shares(0.0, 0.0, 0.0),
        pace=Pace(),
    )
    group, samples = (bucket_of(lanes, USUAL_SAMPLES), None), heard_samples(lanes, USUAL_SAMPLES)
    return state._replace(shares=usual_shares(state.costs, lanes, group, samples))


# ---------------------------------------------------------------------------- sessions


def opened(state: Scheduler, session: int, *, now_s: float) -> Scheduler:
    """Count a session. Raises `ValueError` if it is open already."""
    if session in state.sessions:
        raise ValueError(f"session {session} is open already")
    state = state._replace(busy_s=now_s)
    return _with_demand(state, session, Session(now_s, newcomer(now_s)), newcomer(now_s), now_s)


def closed(state: Scheduler, session: int, *, now_s: float) -> tuple[Scheduler, Dropped]:
    """Forget a session and what it asked for. Safe to call twice."""
    state, dropped = forget(state, session)
    known = state.sessions.get(session)
    if known is None:
        return state, dropped
    others = {number: other for number, other in state.sessions.items() if number != session}
    demand = minus(faded(state.demand, now_s), known.demand) if others else Demand(now_s)
    session_s = state.session_s + SESSION_GAIN * (max(0.0, now_s - known.opened_s) - state.session_s)
    state = state._replace(sessions=MappingProxyType(others), demand=demand, session_s=session_s)
    return _paced(state, now_s), dropped


def forget(state: Scheduler, session: int) -> tuple[Scheduler, Dropped]:
    """Take all jobs of a session out of the queue, finals too: nobody is left to hear them."""
    queue, dropped = remove_session(state.queue, session)
    return state._replace(queue=queue), dropped


# ---------------------------------------------------------------------------- jobs


def submit(state: Scheduler, job: Job, *, now_s: float) -> tuple[Scheduler, Dropped]:
    """Queue a job. What it makes worthless leaves the queue; a job that is older than what waits leaves at once.

    A partial replaces older ones, a speculation older speculations, a final everything of its session that is older
    and no final. Raises `ValueError` for a job that is queued already.
    """
    group = (bucket_of(state.lanes, job.samples), job.key)
    queue, dropped = add(state.queue, job, group)
    return _asked(state._replace(queue=queue), job, now_s), dropped


def drop(state: Scheduler, which: JobId) -> tuple[Scheduler, Dropped]:
    """Take out a job that nobody wants any more. Nothing happens if it does not wait."""
    queue, dropped = remove(state.queue, which)
    return state._replace(queue=queue), dropped


def promote(state: Scheduler, which: JobId, *, now_s: float) -> tuple[Scheduler, Dropped]:
    """Make a speculation a final, for somebody waits for it now. Nothing happens if it runs already, or is done."""
    queue, dropped = make_final(state.queue, which, deadline_s=now_s + FINAL_DUE_S)
    return state._replace(queue=queue), dropped


def queued(state: Scheduler) -> list[Job]:
    """Return every job that waits."""
    return waiting(state.queue)


# ---------------------------------------------------------------------------- lanes


def take(state: Scheduler, *, now_s: float) -> tuple[Scheduler, Batch | None]:
    """Return the batch that is to run now; None when nothing waits, or every lane is busy."""
    if not state.queue.lines or len(state.running) >= state.lanes.count:
        return state, None
    chosen = _chosen(state, batch_candidates(ranked(state.queue)))
    jobs, group = tuple(entry.job for entry in chosen), chosen[0].group
    took_s = predict_s(state.costs, group=group, samples=_heard(state.lanes, jobs), size=len(jobs))
    batch = Batch(
        number=state.queue.batches,
        jobs=jobs,
        group=group,
        predicted_s=took_s,
        began_s=now_s,
        budget_s=_budget_s(state, took_s, sum(job.samples for job in jobs)),
    )
    state = state._replace(
        queue=without(state.queue, chosen),
        running=MappingProxyType({**state.running, batch.number: batch}),
        shares=shared(state.shares, batch, state.costs, state.lanes, _heard(state.lanes, jobs)),
    )
    return _paced(state, now_s), batch


def resized(state: Scheduler, lanes: int, *, now_s: float) -> Scheduler:
    """Return the state with so many lanes from now on. More may run than there are, until they have returned."""
    return _paced(state._replace(lanes=replace(state.lanes, count=max(1, lanes))), now_s)


def finished(state: Scheduler, batch: Batch, *, took_s: float, now_s: float) -> Scheduler:
    """Give a lane back, and learn how long its call took."""
    costs = learned(
        state.costs,
        group=batch.group,
        samples=_heard(state.lanes, batch.jobs),
        size=len(batch.jobs),
        took_s=took_s,
        now_s=now_s,
    )
    return _paced(failed(state, batch)._replace(costs=costs, busy_s=now_s), now_s)


def failed(state: Scheduler, batch: Batch) -> Scheduler:
    """Give a lane back whose call came to nothing: how long that took says nothing of others. Safe to call twice."""
    running = {number: other for number, other in state.running.items() if number != batch.number}
    return state._replace(running=MappingProxyType(running))


# ---------------------------------------------------------------------------- load


def load(state: Scheduler, *, now_s: float) -> Load:
    """Return how busy the lanes will be, and what follows from it. Asking changes nothing."""
    demand = faded(state.demand, now_s)
    sessions = len(state.sessions)
    pace = _pace(state, now_s)
    shares = _shares(state)
    leaves_s = retry_after_s(demand, shares, state.lanes, sessions=sessions, session_s=state.session_s)
    wait_s = final_wait_s(state, now_s=now_s)
    is_idle = _is_idle(state, now_s)
    admits, in_time = pace.admits or is_idle, is_idle or sessions == 0 or wait_s <= LONGEST_WAIT_S
    due_s = min((job.deadline_s for job in queued(state) if job.urgency is Urgency.FINAL), default=now_s)
    return Load(
        utilisation=utilisation(demand, shares, state.lanes, pace.interval_s),
        interval_s=pace.interval_s,
        admits=admits and in_time,
        retry_after_s=max(0.0 if admits else leaves_s, 0.0 if in_time else catches_up_s(wait_s)),
        late_s=max(0.0, now_s - due_s),
    )


def final_wait_s(state: Scheduler, *, now_s: float) -> float:
    """Return the predicted seconds until a final is there that is asked for now: behind all others, its own call too.

    Nothing that is not a final goes before one; what runs already has to end first.
    """
    running_s = sum(max(0.0, batch.predicted_s - (now_s - batch.began_s)) for batch in state.running.values())
    waiting_s = sum(_calls_s(state, group, jobs) for group, jobs in _finals(state).items())
    return (running_s + waiting_s) / state.lanes.count + _shares(state).final_s


def engine_s(state: Scheduler, *, now_s: float) -> float:
    """Return the predicted seconds until everybody has a final who may ask for one now: all of the open sessions."""
    asked = len({job.session for jobs in _finals(state).values() for job in jobs})
    others = max(0, len(state.sessions) - asked)
    return final_wait_s(state, now_s=now_s) + others * _shares(state).final_s / state.lanes.count


def longest_budget_s(state: Scheduler) -> float:
    """Return the largest budget of a call: of those that run, and of one for a usual final."""
    usual_s = _budget_s(state, _shares(state).final_s, USUAL_SAMPLES)
    return max(usual_s, *(batch.budget_s for batch in state.running.values())) if state.running else usual_s


def overdue_s(state: Scheduler, *, now_s: float) -> float:
    """Return how many seconds ago a call had used up its budget, of the one that is latest; 0: none has."""
    return max((now_s - batch.began_s - batch.budget_s for batch in state.running.values()), default=0.0)


# ---------------------------------------------------------------------------- the parts of the above


def _is_idle(state: Scheduler, now_s: float) -> bool:
    """Whether there has been nothing to do for so long that one session is taken to see how fast the engine is."""
    return not state.running and not state.queue.lines and now_s - state.busy_s >= IDLE_S


def _budget_s(state: Scheduler, predicted_s: float, samples: int) -> float:
    if not state.costs.calls:
        return first_call_budget_s(samples / ENGINE_RATE)
    return call_budget_s(predicted_s)


def _finals(state: Scheduler) -> Mapping[Group, list[Job]]:
    """Return the finals that wait, by group."""
    finals: dict[Group, list[Job]] = {}
    for job in queued(state):
        if job.urgency is Urgency.FINAL:
            finals.setdefault((bucket_of(state.lanes, job.samples), job.key), []).append(job)
    return finals


def _calls_s(state: Scheduler, group: Group, jobs: Sequence[Job]) -> float:
    """Return the predicted seconds of the calls for the finals of a group."""
    full, rest = divmod(len(jobs), state.lanes.batch)
    sizes = [state.lanes.batch] * full + [rest] * bool(rest)
    return sum(predict_s(state.costs, group=group, samples=_heard(state.lanes, jobs), size=size) for size in sizes)


def _chosen(state: Scheduler, candidates: list[Waiting]) -> list[Waiting]:
    """Return the first of ``candidates`` with as many others as may go along.

    Finals go along while there is room. What nobody waits for goes along while the whole stays short: it must hold up
    neither the finals of the same call nor one that comes during it.
    """
    candidates = candidates[: state.lanes.batch]
    finals = sum(entry.job.urgency is Urgency.FINAL for entry in candidates)
    samples = _heard(state.lanes, [entry.job for entry in candidates])
    return candidates[: max(finals, room(state.costs, state.lanes, candidates[0].group, samples))]


def _heard(lanes: Lanes, jobs: Sequence[Job]) -> int:
    """Return the samples the engine hears of each window of a call: all are as long as the longest."""
    return heard_samples(lanes, max(1, *(job.samples for job in jobs)))


def _shares(state: Scheduler) -> Shares:
    """Return what jobs cost on average on this machine, as it is now."""
    return Shares(*(share * state.costs.scale for share in state.shares))


def _asked(state: Scheduler, job: Job, now_s: float) -> Scheduler:
    """Count what a job tells of how much its session talks.

    An utterance is counted by the length of the windows that hold all of it, those of its finals: these always come,
    whereas partials come the less the longer the interval is. An utterance without partials causes no load but its
    final.
    """
    session = state.sessions.get(job.session)
    if session is None:
        return state
    match job.urgency:
        case Urgency.PARTIAL:
            return state
        case Urgency.FIRST:
            return _with_demand(state, job.session, session._replace(utterance_s=0.0), Demand(now_s), now_s)
        case Urgency.SPECULATIVE | Urgency.FINAL:
            counted_s = session.utterance_s
            heard_s = None if counted_s is None else max(counted_s, job.samples / ENGINE_RATE)
            asked = Demand(now_s, finals=1.0, speech_s=(heard_s or 0.0) - (counted_s or 0.0))
            known = session._replace(demand=plus(session.demand, asked), utterance_s=heard_s)
            return _with_demand(state, job.session, known, asked, now_s)


def _with_demand(state: Scheduler, number: int, session: Session, asked: Demand, now_s: float) -> Scheduler:
    sessions = MappingProxyType({**state.sessions, number: session})
    return _paced(state._replace(sessions=sessions, demand=plus(state.demand, asked)), now_s)


def _paced(state: Scheduler, now_s: float) -> Scheduler:
    return state._replace(pace=_pace(state, now_s))


def _pace(state: Scheduler, now_s: float) -> Pace:
    demand = faded(state.demand, now_s)
    return next_pace(state.pace, demand, _shares(state), state.lanes, sessions=len(state.sessions), now_s=now_s)
