"""Who goes next, and with whom. Pure and immutable: every function returns a new `Queue`.

Order: class (`Urgency`), then deadline. Three rules keep it fair:

- A newer partial takes the *place* of the older one that still waits in its session: class and deadline stay. It would
  else go to the end of the line with every replacement, and a machine with too much to do would never show it.
- A session that was skipped `SKIPS` times moves up one class, and again. It never passes a final: somebody waits for
  that, and partials that are late can be done without.
- What moved up is ordered by deadline, and its deadline has long passed: only so many jobs can be before it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final, NamedTuple

from auricle.engines.policy.events import Urgency
from auricle.engines.scheduling.jobs import Group, Job, JobId

SKIPS: Final = 4
"""Batches that leave a session out before it moves up one class. Source: notes §5.3."""
HIGHEST_LIFT: Final = int(Urgency.SPECULATIVE)
"""The class that nothing moves up beyond."""


class Waiting(NamedTuple):
    """A job in the queue."""

    job: Job
    group: Group


class Line(NamedTuple):
    """What waits of one session, in the order it came: a partial, a speculation and finals, rarely more than two."""

    waiting: tuple[Waiting, ...]
    since: int
    """How many batches had been taken when it began to wait, or when it was last served."""


class Queue(NamedTuple):
    """All that waits."""

    lines: Mapping[int, Line] = MappingProxyType({})
    """By session. None is empty."""
    batches: int = 0
    """How many have been taken."""


Rank = tuple[int, float, int, int, Waiting]
"""Class after moving up, deadline, number, session: a total order, for no two jobs share the last two."""


class Left(NamedTuple):
    """A queue, and what left it unserved."""

    queue: Queue
    dropped: tuple[Job, ...]


def waiting(queue: Queue) -> list[Job]:
    """Return every job in the queue."""
    return [entry.job for line in queue.lines.values() for entry in line.waiting]


def add(queue: Queue, job: Job, group: Group) -> Left:
    """Put a job in line. It may replace older jobs of its session, or be stale itself. Raises `ValueError` if known."""
    line = queue.lines.get(job.session) or Line((), queue.batches)
    if any(entry.job.number == job.number for entry in line.waiting):
        raise ValueError(f"job {job.number} of session {job.session} is queued already")
    if any(_replaces(entry.job, job) for entry in line.waiting):
        return Left(queue, (job,))
    replaced = tuple(entry.job for entry in line.waiting if _replaces(job, entry.job))
    kept = tuple(entry for entry in line.waiting if not _replaces(job, entry.job))
    added = Waiting(_in_the_place_of(replaced, job), group)
    return Left(_with_line(queue, job.session, Line((*kept, added), line.since)), replaced)


def remove(queue: Queue, which: JobId) -> Left:
    """Take a job out. Nothing happens when it is not there: it may be with the engine, or done."""
    line = queue.lines.get(which.session)
    if line is None or all(entry.job.number != which.number for entry in line.waiting):
        return Left(queue, ())
    kept = tuple(entry for entry in line.waiting if entry.job.number != which.number)
    gone = tuple(entry.job for entry in line.waiting if entry.job.number == which.number)
    return Left(_with_line(queue, which.session, Line(kept, line.since)), gone)


def remove_session(queue: Queue, session: int) -> Left:
    """Take everything of a session out, finals too: nobody is left to hear them."""
    line = queue.lines.get(session)
    if line is None:
        return Left(queue, ())
    return Left(_with_line(queue, session, Line((), line.since)), tuple(entry.job for entry in line.waiting))


def make_final(queue: Queue, which: JobId, *, deadline_s: float) -> Left:
    """Make a waiting job a final: somebody waits for it now. Nothing happens when it is not there."""
    line = queue.lines.get(which.session)
    entry = next((entry for entry in line.waiting if entry.job.number == which.number), None) if line else None
    if entry is None:
        return Left(queue, ())
    final = replace(entry.job, urgency=Urgency.FINAL, deadline_s=min(deadline_s, entry.job.deadline_s))
    return add(remove(queue, which).queue, final, entry.group)


def ranked(queue: Queue) -> list[Rank]:
    """Return what waits, each with its rank, in no order."""
    ranks: list[Rank] = []
    for session, line in queue.lines.items():
        lift = (queue.batches - line.since) // SKIPS
        for entry in line.waiting:
            job = entry.job
            urgency: int = job.urgency
            if lift and urgency > HIGHEST_LIFT:
                urgency = max(HIGHEST_LIFT, urgency - lift)
            ranks.append((urgency, job.deadline_s, job.number, session, entry))
    return ranks


def batch_candidates(ranks: Sequence[Rank]) -> list[Waiting]:
    """Return who is next, and behind it who could be in the same call, in order. At least one must wait."""
    group = min(ranks)[4].group
    return [rank[4] for rank in sorted(rank for rank in ranks if rank[4].group == group)]


def without(queue: Queue, taken: Iterable[Waiting]) -> Queue:
    """Return the queue after a batch: its sessions begin to wait anew, all others were skipped once."""
    lines = dict(queue.lines)
    for entry in taken:
        line = lines[entry.job.session]
        kept = tuple(other for other in line.waiting if other.job.number != entry.job.number)
        lines[entry.job.session] = Line(kept, queue.batches + 1)
        if not kept:
            del lines[entry.job.session]
    return Queue(MappingProxyType(lines), queue.batches + 1)


def _replaces(newer: Job, older: Job) -> bool:
    """Whether the older of two jobs of a session is not worth decoding any more once there is the newer one."""
    if newer.number <= older.number:
        return False
    match newer.urgency:
        case Urgency.FINAL:
            return older.urgency is not Urgency.FINAL
        case Urgency.SPECULATIVE:
            # Not partials: hesitant speech begins and drops speculations, and would never show any.
            return older.urgency is Urgency.SPECULATIVE
        case Urgency.FIRST | Urgency.PARTIAL:
            return older.urgency in _PARTIALS


_PARTIALS: Final = (Urgency.FIRST, Urgency.PARTIAL)


def _in_the_place_of(replaced: tuple[Job, ...], job: Job) -> Job:
    """Return ``job`` with the class and the deadline of what it replaces, where these are more urgent."""
    places = [older for older in replaced if older.urgency in _PARTIALS and job.urgency in _PARTIALS]
    if not places:
        return job
    return replace(
        job,
        urgency=min(job.urgency, *(older.urgency for older in places)),
        deadline_s=min(job.deadline_s, *(older.deadline_s for older in places)),
    )


def _with_line(queue: Queue, session: int, line: Line) -> Queue:
    lines = dict(queue.lines)
    if line.waiting:
        lines[session] = line
    else:
        lines.pop(session, None)
    return Queue(MappingProxyType(lines), queue.batches)
