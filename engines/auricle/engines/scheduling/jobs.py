"""The words of scheduling: a job, a batch of jobs, and when each kind of job is due. No audio: only its length."""

from bisect import bisect_left
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, NamedTuple, assert_never

from auricle.engines.policy.events import Urgency
from auricle.engines.protocol import Lanes

FINAL_DUE_S: Final = 0.1
"""A final is due this long after the endpoint. Reason: what is left of half a second when 0.2 s of silence are waited
out and the network takes its share. Source: notes §5.3."""
SPECULATION_DUE_S: Final = 0.2
"""A speculation is due this long after the onset of silence: about when the endpoint asks for it, with the shortest
silence clients choose (0.3 s) and an onset that takes 0.1 s to be noticed. Source: notes §5.2, 7 and 8."""
FIRST_DUE_S: Final = 0.5
"""A first partial is due this long after it is asked for, however far apart those behind it are."""


Group = tuple[int, Hashable]
"""What the windows of one call have in common: bucket and key."""


class JobId(NamedTuple):
    """Which job: sessions number their own."""

    session: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A window that is to be decoded. Times are seconds of whatever clock the caller reads."""

    session: int
    number: int
    """Grows from job to job of a session: the newer of two has heard more."""
    urgency: Urgency
    samples: int
    """Length of the window in engine samples."""
    key: Hashable
    """What windows of one call must have in common besides their bucket: whether they are finals, which have a beam and
    take longer, and whether they have a context."""
    released_s: float
    deadline_s: float

    @property
    def id(self) -> JobId:
        """Return which job it is."""
        return JobId(self.session, self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Jobs for one call of the engine, the most urgent first."""

    number: int
    jobs: tuple[Job, ...]
    group: Group
    predicted_s: float
    """How long the call is thought to take."""
    began_s: float
    """When it was taken."""
    budget_s: float
    """How long it may take before it counts as wedged."""


def bucket_of(lanes: Lanes, samples: int) -> int:
    """Return the number of the shortest bucket that holds a window; one past the last where none does."""
    return bisect_left(lanes.buckets, samples)


def heard_samples(lanes: Lanes, samples: int) -> int:
    """Return how many samples the engine hears of a window: a bucket is filled up, a longer window stays as it is."""
    bucket = bucket_of(lanes, samples)
    return lanes.buckets[bucket] if bucket < len(lanes.buckets) else samples


def deadline_s(urgency: Urgency, *, released_s: float, interval_s: float) -> float:
    """Return when a job is due. Partials are due when the next one would come: later they are worth nothing."""
    match urgency:
        case Urgency.FINAL:
            return released_s + FINAL_DUE_S
        case Urgency.SPECULATIVE:
            return released_s + SPECULATION_DUE_S
        case Urgency.FIRST:
            return released_s + FIRST_DUE_S
        case Urgency.PARTIAL:
            return released_s + interval_s
        case _:
            assert_never(urgency)
