"""How long a call of the engine will take: a guess at first, then what calls were seen to take.

The guess, `prior_s`, knows the *shape* of the cost: an encoder pass for each window, and a decoder whose steps get
cheaper the more windows share them. What is learned is a *ratio*, observed / prior, for each group and batch size. So
the first call on a machine ten times as fast corrects the predictions for every size, not only for its own.
"""

from bisect import bisect_left
from collections.abc import Hashable, Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Final, NamedTuple

from auricle.engines.protocol import ENGINE_RATE

ENCODE_S_PER_S: Final = 7.5e-3
"""Seconds an encoder pass takes for a second of audio. Fitted to 15.6, 32 and 99 ms at 2, 4 and 10 s: Whisper tiny,
int8, one CPU thread. Source: notes §0, 2."""
ENCODE_S_PER_S2: Final = 0.25e-3
"""Seconds it takes for a second of audio squared (attention). Same fit. At 30 s it says 0.45 s where 0.8 were measured:
such windows are rare, and learned as all others."""
TOKENS_PER_S: Final = 3.6
"""Tokens in a second of speech. Source: notes §3.2."""
TOKENS: Final = 3.0
"""Tokens of any window: those that begin and end it, and one in reserve."""
STEP_S: Final = 4.6e-3
"""Seconds of a decoder step however many windows share it. Fitted to 5.4, 5.8, 8.0 and 10.8 ms for 1, 2, 4 and 8."""
STEP_S_PER_WINDOW: Final = 0.8e-3
"""Seconds each window adds to a decoder step. Same fit. Source: notes §0, 8."""

GAIN: Final = 0.2
"""Share of a new observation in the average: five calls make most of it. More would follow every hiccup of a shared
processor, less would take minutes where calls come once a second."""
SCALE_GAIN: Final = 0.05
"""Share of a new observation in the average of all calls, whatever their size: twenty calls, so that it tells of the
machine and not of which windows came last."""
OUTLIER: Final = 4.0
"""An observation counts as at most so many times what was expected: a call that hung once is not how long calls take.
Calls that go on being slow still prevail, by 1.6 x a call."""
FORGET_AFTER: Final = 64
"""Calls after which a cell that was not seen again is worth half. Reason: a size that looked too slow to be chosen is
never tried again, and a single bad moment would rule it out for good."""
FORGET_S: Final = 15.0
"""Or seconds: two turns of a conversation. A machine that others keep busy makes calls twenty times as long, and few;
when it has its processors back, the calls of that time are to count no more within a minute, however few follow."""
SHORTEST_S: Final = 1e-5
"""No call is thought to take less, in seconds: clocks say zero for what is shorter than their tick."""


class Cell(NamedTuple):
    """What was learned of one batch size in one group."""

    size: int
    ratio: float
    seen_at: int
    """Number of the last call that taught it."""
    seen_s: float
    """When that call returned."""


class Costs(NamedTuple):
    """What was learned of all calls."""

    groups: Mapping[Hashable, tuple[Cell, ...]] = MappingProxyType({})
    """Cells by group (`auricle.engines.scheduling.jobs.Group`), sizes growing."""
    scale: float = 1.0
    """Ratio of a call that nothing more is known about: how slow the machine is, compared to the guess."""
    calls: int = 0
    at_s: float = 0.0
    """When the last of them returned."""


def prior_s(samples: int, size: int) -> float:
    """Return the seconds a call with ``size`` windows of ``samples`` is guessed to take before anything is known."""
    audio_s = samples / ENGINE_RATE
    encode_s = ENCODE_S_PER_S * audio_s + ENCODE_S_PER_S2 * audio_s * audio_s
    tokens = TOKENS + TOKENS_PER_S * audio_s
    return size * encode_s + tokens * (STEP_S + STEP_S_PER_WINDOW * size)


def predict_s(costs: Costs, *, group: Hashable, samples: int, size: int) -> float:
    """Return the seconds a call is thought to take. ``samples`` is what the engine hears of each window."""
    return max(SHORTEST_S, prior_s(samples, size) * _ratio(costs, group, size))


def learned(costs: Costs, *, group: Hashable, samples: int, size: int, took_s: float, now_s: float) -> Costs:
    """Return the costs after a call that has taken ``took_s`` and returned now."""
    observed = max(took_s, SHORTEST_S) / prior_s(samples, size)
    costs, since_s = costs._replace(at_s=max(costs.at_s, now_s)), now_s - costs.at_s
    if costs.calls:
        expected = max(_ratio(costs, group, size), SHORTEST_S)
        observed = min(observed, OUTLIER * expected)
    calls = costs.calls + 1
    cells = costs.groups.get(group, ())
    at = bisect_left(cells, size, key=_SIZE)
    known = at < len(cells) and cells[at].size == size
    before = _faded(costs, cells[at], _between(costs, cells, at, at + 1, size)) if known else observed
    cell = Cell(size, before + GAIN * (observed - before), calls, costs.at_s)
    return Costs(
        groups=MappingProxyType({**costs.groups, group: (*cells[:at], cell, *cells[at + known :])}),
        scale=costs.scale + _scale_gain(costs, observed, since_s) * (observed - costs.scale)
        if costs.calls
        else observed,
        calls=calls,
        at_s=costs.at_s,
    )


_SIZE: Final = attrgetter("size")


def _scale_gain(costs: Costs, observed: float, since_s: float) -> float:
    """Return the share of an observation in the average of all calls, ``since_s`` after the one before.

    Good news after a pause count for more than others: what was learned before it is old. Bad news do not: they may be
    a hiccup, and others would be refused for it.
    """
    return SCALE_GAIN if observed >= costs.scale else max(SCALE_GAIN, 1.0 - 0.5 ** (max(0.0, since_s) / FORGET_S))


def _ratio(costs: Costs, group: Hashable, size: int) -> float:
    """Return observed / prior for a batch size, from the cells nearest to it."""
    cells = costs.groups.get(group, ())
    at = bisect_left(cells, size, key=_SIZE)
    if at < len(cells) and cells[at].size == size:
        cell = cells[at]
        if cell.seen_at == costs.calls:
            return cell.ratio
        return _faded(costs, cell, _between(costs, cells, at, at + 1, size))
    return _between(costs, cells, at, at, size)


def _between(costs: Costs, cells: tuple[Cell, ...], below: int, above: int, size: int) -> float:
    """Return the ratio on the line between ``cells[below - 1]`` and ``cells[above]``; beyond the ends it is level.

    What they say gives way to the scale of the machine as they grow old: two that are never seen would else vouch for
    each other, and draw the ones between to what took so long once.
    """
    left = cells[below - 1] if below > 0 else None
    right = cells[above] if above < len(cells) else None
    if left is None:
        return costs.scale if right is None else _faded(costs, right, costs.scale)
    said = _faded(costs, left, costs.scale)
    if right is None:
        return said
    return said + (_faded(costs, right, costs.scale) - said) * (size - left.size) / (right.size - left.size)


def _faded(costs: Costs, cell: Cell, otherwise: float) -> float:
    """Return a cell's ratio, which gives way to something else the longer it was not seen."""
    age = (costs.calls - cell.seen_at) / FORGET_AFTER + (costs.at_s - cell.seen_s) / FORGET_S
    weight: float = 0.5**age
    return otherwise + weight * (cell.ratio - otherwise)
