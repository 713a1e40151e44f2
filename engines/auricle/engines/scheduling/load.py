"""How much the lanes can carry: how often partials may come, and whether another session fits. Pure.

Demand is what sessions *ask for*, served or not. It fades with time, so that it tells of the last half minute; a
session that has just come counts as an average one, and less so the longer it has been heard. From demand, and from
what a job costs on average, follows the share of the lanes that would be busy with partials at an interval, and the
shortest interval that they can carry.
"""

from math import ceil, exp
from typing import Final, NamedTuple

from auricle.engines.protocol import Lanes

MEMORY_S: Final = 30.0
"""Demand fades to a third in so many seconds: four turns of a conversation (3 s of speech, 4 s of pause). Shorter, and
the interval would follow every sentence; longer, and it would be minutes late."""
SPEECH_SHARE: Final = 0.43
"""Share of the time that a session nothing is known of will talk. Source: notes §4.3."""
TURN_S: Final = 7.0
"""Seconds from one of its finals to the next. Source: notes §2 (3 s of speech, 4 s of pause)."""

SHORTEST_INTERVAL_S: Final = 0.5
"""Seconds between partials while the lanes keep up."""
LONGEST_INTERVAL_S: Final = 8.0
"""Seconds between partials however busy the lanes are. The first partial of an utterance does not wait for it."""
FULL: Final = 0.85
"""Share of busy lanes that the interval is chosen for. The rest is for the bursts that an average does not show, and
for the event loop and the voice detectors, which share the processors with the lanes."""
HEADROOM: Final = 1.1
"""A new interval is so many times the one that is needed: an estimate that trembles need not change it at once."""
RELAXED: Final = 1.5
"""An interval is shortened only where the one that is needed is so many times shorter."""
HOLD_S: Final = 10.0
"""Seconds an interval lasts before it is shortened: longer than a turn, in whose pause demand fades."""

FINALS_FULL: Final = 0.6
"""No more sessions are admitted when finals alone would keep this share of the lanes busy. Source: notes §5.3."""
FINALS_RELAXED: Final = 0.5
"""Once sessions were refused, they are admitted again when finals take no more than this."""
LONGEST_WAIT_S: Final = 30.0
"""No more sessions are admitted while a final would take so many seconds to come: whoever comes now could not be served
in time. It is what a drain may take without progress (`Limits.drain_timeout_s`)."""
IDLE_S: Final = 30.0
"""An engine that has had nothing to do for so many seconds takes one session, whatever its calls took before: by then
demand has faded to a third (`MEMORY_S`), and what is known of calls is old. One that only lately was starved by others
would shut out everybody for as long as those who are there keep silent, for only calls teach what calls take."""
SESSION_S: Final = 180.0
"""Seconds a session lasts, where none has ended yet: a telephone call. Only for how long the refused should wait."""
SESSION_GAIN: Final = 0.1
"""Share of a session that ends in the average stay: some ten sessions make it."""
SHORTEST_RETRY_S: Final = 1.0
"""Nobody is told to come back sooner: a herd of refused clients is a load of its own."""
LONGEST_RETRY_S: Final = 60.0
"""Nobody is told to wait longer: the estimate is not worth more, and others may leave sooner."""


class Demand(NamedTuple):
    """What was asked for, fading with time. Of one session, or the sum of all."""

    at_s: float
    finals: float = 0.0
    """Utterances that were to be decoded."""
    speech_s: float = 0.0
    """Seconds of speech in them."""
    unknown: float = 0.0
    """Sessions that nothing is known of: fades from 1 as a session is listened to."""


class Shares(NamedTuple):
    """Seconds of a lane that a job takes, on average: a part of a batch is cheaper than a call alone."""

    final_s: float
    first_s: float
    """The first partial of an utterance, which is short: it says nothing of those that come later."""
    partial_s: float


class Pace(NamedTuple):
    """How often partials may come, and whether sessions are admitted."""

    interval_s: float = SHORTEST_INTERVAL_S
    since_s: float = float("-inf")
    admits: bool = True


class Load(NamedTuple):
    """What callers are told."""

    utilisation: float
    """Predicted share of busy lanes at this interval; above 1 there is more to do than can be done."""
    interval_s: float
    """Seconds between the partials of an utterance, from the first on."""
    admits: bool
    """Whether another session fits."""
    retry_after_s: float
    """When somebody who is refused should come back; 0 while sessions are admitted."""
    late_s: float
    """How long the most urgent final that waits is overdue; 0: none is."""


class QueueLength(NamedTuple):
    """How much there is to decode just now, in windows and calls."""

    waiting: int
    """Windows that wait for a lane."""
    finals: int
    """Those of them that somebody waits for."""
    running: int
    """Calls under way."""
    lanes: int
    """Calls that there may be."""


def faded(demand: Demand, now_s: float) -> Demand:
    """Return the demand as it is felt later. A clock that went back is taken as one that stood."""
    elapsed_s = now_s - demand.at_s
    if elapsed_s <= 0.0:
        return demand
    left = exp(-elapsed_s / MEMORY_S)
    return Demand(now_s, demand.finals * left, demand.speech_s * left, demand.unknown * left)


def plus(demand: Demand, other: Demand) -> Demand:
    """Return both, as they are felt at the later of their times."""
    now_s = max(demand.at_s, other.at_s)
    one, two = faded(demand, now_s), faded(other, now_s)
    return Demand(now_s, one.finals + two.finals, one.speech_s + two.speech_s, one.unknown + two.unknown)


def minus(demand: Demand, other: Demand) -> Demand:
    """Return what is left without the other, at the later of their times; never below zero, whatever was rounded."""
    now_s = max(demand.at_s, other.at_s)
    one, two = faded(demand, now_s), faded(other, now_s)
    return Demand(
        now_s,
        max(0.0, one.finals - two.finals),
        max(0.0, one.speech_s - two.speech_s),
        max(0.0, one.unknown - two.unknown),
    )


def finals_share(demand: Demand, shares: Shares, lanes: Lanes) -> float:
    """Return the share of the lanes that finals alone keep busy."""
    return _finals_per_s(demand) * shares.final_s / lanes.count


def utilisation(demand: Demand, shares: Shares, lanes: Lanes, interval_s: float) -> float:
    """Return the share of the lanes that would be busy with finals, first partials, and others at ``interval_s``."""
    firsts_per_s = _finals_per_s(demand)
    others_per_s = max(0.0, _speech(demand) / interval_s - firsts_per_s)
    partials = firsts_per_s * shares.first_s + others_per_s * shares.partial_s
    return finals_share(demand, shares, lanes) + partials / lanes.count


def needed_interval_s(demand: Demand, shares: Shares, lanes: Lanes) -> float:
    """Return the shortest interval at which the lanes are no busier than `FULL`, one that partials may have."""
    return max(SHORTEST_INTERVAL_S, _carried_interval_s(demand, shares, lanes))


def _carried_interval_s(demand: Demand, shares: Shares, lanes: Lanes) -> float:
    """Return the shortest interval at which the lanes are no busier than `FULL`: `utilisation`, solved for it."""
    firsts_per_s = _finals_per_s(demand)
    free = (FULL - finals_share(demand, shares, lanes)) * lanes.count - firsts_per_s * shares.first_s
    per_s = firsts_per_s + free / shares.partial_s
    if free < 0.0 or _speech(demand) >= per_s * LONGEST_INTERVAL_S:
        return LONGEST_INTERVAL_S
    return _speech(demand) / per_s if per_s > 0.0 else 0.0


def next_pace(pace: Pace, demand: Demand, shares: Shares, lanes: Lanes, *, sessions: int, now_s: float) -> Pace:
    """Return the pace that follows: longer at once and as far as need be, shorter by halves at most, after `HOLD_S`."""
    carried_s, interval_s = _carried_interval_s(demand, shares, lanes), pace.interval_s
    needed_s = max(SHORTEST_INTERVAL_S, carried_s)
    if needed_s > interval_s:
        interval_s = min(needed_s * HEADROOM, LONGEST_INTERVAL_S)
    elif needed_s < interval_s and carried_s * RELAXED <= interval_s and now_s - pace.since_s >= HOLD_S:
        aimed_s = needed_s if needed_s == SHORTEST_INTERVAL_S else needed_s * HEADROOM
        interval_s = max(aimed_s, interval_s / 2)
    finals = finals_share(plus(demand, newcomer(now_s)), shares, lanes)
    admits = sessions == 0 or finals <= (FINALS_FULL if pace.admits else FINALS_RELAXED)
    return Pace(interval_s, pace.since_s if interval_s == pace.interval_s else now_s, admits)


def newcomer(now_s: float) -> Demand:
    """Return the demand of a session that opens now."""
    return Demand(now_s, unknown=1.0)


def retry_after_s(demand: Demand, shares: Shares, lanes: Lanes, *, sessions: int, session_s: float) -> float:
    """Return in how many seconds enough sessions will have left for one more, if they leave as they have so far."""
    excess = finals_share(demand, shares, lanes) - FINALS_RELAXED
    each = max(finals_share(demand, shares, lanes) / max(sessions, 1), shares.final_s / TURN_S / lanes.count)
    must_leave = max(1, ceil(excess / each) + 1)
    return min(max(must_leave * session_s / max(sessions, 1), SHORTEST_RETRY_S), LONGEST_RETRY_S)


def catches_up_s(wait_s: float) -> float:
    """Return in how many seconds finals will be in time again if nobody else asks for one."""
    return min(max(wait_s - LONGEST_WAIT_S, SHORTEST_RETRY_S), LONGEST_RETRY_S)


def _speech(demand: Demand) -> float:
    """Return how many speakers there are at a time, on average."""
    return demand.speech_s / MEMORY_S + SPEECH_SHARE * demand.unknown


def _finals_per_s(demand: Demand) -> float:
    return demand.finals / MEMORY_S + demand.unknown / TURN_S
