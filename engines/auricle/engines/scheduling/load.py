"""How much the lanes can carry: how often partials may come, and whether another session fits. Pure.

Demand is what sessions *ask for*, served or not. It fades with time, so that it tells of the last half minute; a
session that has just come counts as an average one, and less so the longer it has been heard. From demand, and from
what a job costs on average, follows the share of the lanes that would be busy with partials at each interval.
"""

from math import ceil, exp
from typing import Final, NamedTuple

from auricle.engines.protocol import Lanes

MEMORY_S: Final = 30.0
"""Demand fades to a third in so many seconds: four turns of a conversation (3 s of speech, 4 s of pause). Shorter, and
the level would follow every sentence; longer, and it would be minutes late."""
SPEECH_SHARE: Final = 0.43
"""Share of the time that a session nothing is known of will talk. Source: notes §4.3."""
TURN_S: Final = 7.0
"""Seconds from one of its finals to the next. Source: notes §2 (3 s of speech, 4 s of pause)."""

INTERVALS_S: Final[tuple[float | None, ...]] = (0.5, 0.75, 1.0, None)
"""Seconds between partials, by level; None: the first of an utterance and its final alone. Source: notes §5.3."""
FULL: Final = 0.7
"""A level is left for the next one above this predicted share of busy lanes. Source: notes §5.3. What is left is for
the bursts that an average does not show."""
RELAXED: Final = 0.55
"""A level is taken back when the one below it would keep the lanes no busier. Well below `FULL`: an estimate that
swings by a fifth does not make the interval swing."""
HOLD_S: Final = 10.0
"""Seconds a level lasts before it is taken back: longer than a turn, in whose pause demand fades. Simulated with 12
sessions for three minutes: four changes of level, and eight with 5 s and a memory of 20 s."""

FINALS_FULL: Final = 0.6
"""No more sessions are admitted when finals alone would keep this share of the lanes busy. Source: notes §5.3."""
FINALS_RELAXED: Final = 0.5
"""Once sessions were refused, they are admitted again when finals take no more than this."""
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


class Level(NamedTuple):
    """How far partials are stretched."""

    number: int = 0
    """Index into `INTERVALS_S`."""
    since_s: float = float("-inf")
    admits: bool = True


class Load(NamedTuple):
    """What callers are told."""

    level: int
    utilisation: float
    """Predicted share of busy lanes at this level; above 1 there is more to do than can be done."""
    interval_s: float | None
    """Between the partials of an utterance; None: only the first."""
    admits: bool
    """Whether another session fits."""
    retry_after_s: float
    """When somebody who is refused should come back; 0 while sessions are admitted."""
    late_s: float
    """How long the most urgent final that waits is overdue; 0: none is."""


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


def utilisation(demand: Demand, shares: Shares, lanes: Lanes, level: int) -> float:
    """Return the share of the lanes that would be busy with partials at the interval of ``level``."""
    interval_s = INTERVALS_S[level]
    if interval_s is None:
        partials = _finals_per_s(demand) * shares.first_s
    else:
        partials = (demand.speech_s / MEMORY_S + SPEECH_SHARE * demand.unknown) / interval_s * shares.partial_s
    return finals_share(demand, shares, lanes) + partials / lanes.count


def next_level(level: Level, demand: Demand, shares: Shares, lanes: Lanes, *, sessions: int, now_s: float) -> Level:
    """Return the level that follows: up at once and as far as need be, down one step at a time and after `HOLD_S`."""
    number, since_s = level.number, level.since_s
    while number < len(INTERVALS_S) - 1 and utilisation(demand, shares, lanes, number) > FULL:
        number += 1
    held = number == level.number and now_s - since_s >= HOLD_S
    if number and held and utilisation(demand, shares, lanes, number - 1) <= RELAXED:
        number -= 1
    finals = finals_share(plus(demand, newcomer(now_s)), shares, lanes)
    admits = sessions == 0 or finals <= (FINALS_FULL if level.admits else FINALS_RELAXED)
    return Level(number, since_s if number == level.number else now_s, admits)


def newcomer(now_s: float) -> Demand:
    """Return the demand of a session that opens now."""
    return Demand(now_s, unknown=1.0)


def retry_after_s(demand: Demand, shares: Shares, lanes: Lanes, *, sessions: int, session_s: float) -> float:
    """Return in how many seconds enough sessions will have left for one more, if they leave as they have so far."""
    excess = finals_share(demand, shares, lanes) - FINALS_RELAXED
    each = max(finals_share(demand, shares, lanes) / max(sessions, 1), shares.final_s / TURN_S / lanes.count)
    must_leave = max(1, ceil(excess / each) + 1)
    return min(max(must_leave * session_s / max(sessions, 1), SHORTEST_RETRY_S), LONGEST_RETRY_S)


def _finals_per_s(demand: Demand) -> float:
    return demand.finals / MEMORY_S + demand.unknown / TURN_S
