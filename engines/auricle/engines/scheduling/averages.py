"""What a job costs on average, and how many windows a call may have that nobody waits for. Pure."""

from bisect import bisect_right
from typing import Final

from auricle.engines.policy.events import Urgency
from auricle.engines.protocol import Lanes
from auricle.engines.scheduling.costs import Costs, predict_s
from auricle.engines.scheduling.jobs import Batch, Group
from auricle.engines.scheduling.load import Shares

BLOCKING_S: Final = 0.06
"""A batch that nobody waits for may take this long, as far as can be told: a final that comes a moment later waits for
all of it, for no call can be interrupted. Source: notes §5.3."""
BLOCKING_CALLS: Final = 2.0
"""Or as long as so many calls with a single window. Reason: with Whisper tiny.en on one core a single partial takes
0.1 s, and 60 ms would forbid every batch. Simulated (tests/engines/scheduling, three seeds) with twelve sessions: 1.0
had 257 partials decoded and finals at a p95 of 0.46-0.48 s, 1.5 284 at 0.47-0.52 s, 2.0 311 at 0.47-0.50 s, 2.5 334 at
0.50-0.58 s."""
SHARE_GAIN: Final = 0.1
"""Share of a new job in the average cost of jobs: some ten jobs make it, a few seconds of one speaker."""


def room(costs: Costs, lanes: Lanes, group: Group, samples: int) -> int:
    """Return how many windows fit into a call that nobody waits for, at least one.

    That longer calls take longer is only nearly true of what is learned, but a size that is returned was looked at.
    """

    def takes_s(size: int) -> float:
        return predict_s(costs, group=group, samples=samples, size=size)

    return bisect_right(range(1, lanes.batch + 1), max(BLOCKING_S, BLOCKING_CALLS * takes_s(1)), key=takes_s)


def usual_shares(costs: Costs, lanes: Lanes, group: Group, samples: int) -> Shares:
    """Return what jobs cost that all have such windows."""
    full_s = _full_s(costs, lanes, group, samples)
    alone_s = predict_s(costs, group=group, samples=samples, size=1)
    return Shares(final_s=alone_s, first_s=full_s, partial_s=full_s)


def shared(shares: Shares, batch: Batch, costs: Costs, lanes: Lanes, samples: int) -> Shares:
    """Return what jobs cost on average at a `Costs.scale` of 1, with those of a new batch of windows so long.

    A partial counts as if the call had been full: while there is little to do calls are small and dear, and nothing
    would be gained by making fewer. Finals count as they are: two seldom come at once.
    """
    final_s, first_s, partial_s = shares
    full_s = _full_s(costs, lanes, batch.group, samples) / costs.scale
    each_s = batch.predicted_s / len(batch.jobs) / costs.scale
    for job in batch.jobs:
        match job.urgency:
            case Urgency.FINAL | Urgency.SPECULATIVE:
                final_s += SHARE_GAIN * (each_s - final_s)
            case Urgency.FIRST:
                first_s += SHARE_GAIN * (full_s - first_s)
            case Urgency.PARTIAL:
                partial_s += SHARE_GAIN * (full_s - partial_s)
    return Shares(final_s, first_s, partial_s)


def _full_s(costs: Costs, lanes: Lanes, group: Group, samples: int) -> float:
    """Return what one window costs in a call that is full."""
    size = room(costs, lanes, group, samples)
    return predict_s(costs, group=group, samples=samples, size=size) / size
