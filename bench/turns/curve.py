"""False cut-offs against delay. Pure.

A breath is cut off where the silence that ends a turn, with what the detector says of it, is shorter than the breath.
The delay of an end is that silence. Both are counted for every setting of the rules; what is told is the lowest rate of
false cut-offs with a mean delay of 300 ms, and the lowest mean delay with 5 % of false cut-offs (as eot-bench does).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import mean
from typing import NamedTuple

from auricle.engines.turn_taking.decision import TurnRules, silence_that_ends

FACTORS = (0.5, 1.0, 2.0)
"""By which real breaths are made shorter and longer."""
THRESHOLDS = tuple(step / 20 for step in range(1, 20))
OVER_S = tuple(step / 20 for step in range(3, 21))
LONGEST_S = (0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0)
SILENCES_S = tuple(step / 20 for step in range(3, 61))
SHORT_DELAY_S = 0.3
FEW_CUT_OFFS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A pause, and what a detector says of it. ``seconds`` None: nobody speaks any more."""

    seconds: float | None
    probability: float | None


class Point(NamedTuple):
    """What one setting of the rules does."""

    cut_offs: float
    """Share of the breaths that are taken for ends."""
    delay_s: float
    """Mean silence before an end is told."""
    rules: TurnRules


def settings(*, has_opinion: bool) -> Iterator[TurnRules]:
    """Yield the settings that are compared. Without an opinion only one silence matters."""
    if not has_opinion:
        for silence_s in SILENCES_S:
            yield TurnRules(over_s=silence_s, unknown_s=silence_s, longest_s=silence_s)
        return
    for threshold, over_s, longest_s in product(THRESHOLDS, OVER_S, LONGEST_S):
        if over_s <= longest_s:
            yield TurnRules(threshold=threshold, over_s=over_s, unknown_s=over_s, longest_s=longest_s)


def point(rules: TurnRules, pauses: Sequence[Judged]) -> Point:
    """Return what the rules do with real pauses."""
    waits = [(pause.seconds, silence_that_ends(rules, pause.probability)) for pause in pauses]
    breaths = [factor * seconds > wait for seconds, wait in waits if seconds is not None for factor in FACTORS]
    ends = [wait for seconds, wait in waits if seconds is None]
    return Point(mean(breaths), mean(ends), rules)


def best(points: Sequence[Point]) -> tuple[Point, Point]:
    """Return the point with the fewest cut-offs at a short delay, and that with the shortest delay at few cut-offs."""
    quick = [one for one in points if one.delay_s <= SHORT_DELAY_S + 1e-9]
    careful = [one for one in points if one.cut_offs <= FEW_CUT_OFFS]
    return min(quick, key=lambda one: one.cut_offs), min(careful, key=lambda one: one.delay_s)
