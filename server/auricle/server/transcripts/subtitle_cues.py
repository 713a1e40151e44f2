"""Subtitle cues from finals: where to break, and how long to show each.

The limits are those of broadcast practice (BBC subtitle guidelines, Netflix timed-text style guide). The breaks are
chosen together, by least cost over the whole recording: a cue that is read with ease, ends where the sentence does, and
leaves no word alone costs least.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from auricle.core import messages
from auricle.server.transcripts.subtitle_layout import INFEASIBLE, Layout
from auricle.server.transcripts.subtitle_pieces import Piece, all_pieces
from auricle.server.transcripts.subtitle_times import GAP_MS, MAX_CUE_MS, MIN_CUE_MS, shown
from auricle.server.transcripts.weak_words import weak_words

PAUSE_MS: Final = 1_500
"""A pause of this length ends a cue, so that words are not shown long before they are spoken."""
TARGET_SPEED: Final = 17.0
MAX_SPEED: Final = 20.0
"""Characters a second that are read with ease, and the most that are read at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """One subtitle cue: times in milliseconds from the start of the recording, and one or two lines."""

    start: int
    end: int
    lines: tuple[str, ...]
    timed: tuple[tuple[Piece, ...], ...] = field(default=(), compare=False, repr=False)
    """The pieces of each line."""


def cues(finals: Iterable[messages.Final]) -> list[Cue]:
    """Return the cues of ``finals`` in order; each ends after it starts and not after the next one starts."""
    ordered = sorted(finals, key=lambda final: final.start)
    language = next((final.language for final in ordered if final.language), None)
    pieces = all_pieces(ordered)
    layout = Layout(pieces, weak_words(language))
    groups = _best_groups(layout)
    times = shown([(pieces[low].start, _end(pieces[low:high]), layout.width(low, high)) for low, high in groups])
    return [_cue(layout, group, time) for group, time in zip(groups, times, strict=True)]


def _cue(layout: Layout, group: tuple[int, int], time: tuple[int, int]) -> Cue:
    lines = layout.lines(*group)
    texts = tuple("".join(piece.text for piece in line).strip() for line in lines)
    return Cue(start=time[0], end=time[1], lines=texts, timed=lines)


def _best_groups(layout: Layout) -> list[tuple[int, int]]:
    """Return the groups of pieces, ``low`` to ``high``, that cost least together (dynamic programming)."""
    count = len(layout.pieces)
    costs, begins = [0.0] + [INFEASIBLE] * count, [0] * (count + 1)
    for high in range(1, count + 1):
        for low in range(high - 1, -1, -1):
            cost = _cost(layout, low, high)
            if cost == INFEASIBLE and high - low > 1:
                break  # a longer group does not fit either
            if costs[low] + cost < costs[high]:
                costs[high], begins[high] = costs[low] + cost, low
    groups: list[tuple[int, int]] = []
    at = count
    while at > 0:
        groups.append((begins[at], at))
        at = begins[at]
    return groups[::-1]


def _cost(layout: Layout, low: int, high: int) -> float:
    """Return what a cue of these pieces costs: 1, and a penalty for each fault. One piece alone is always possible."""
    pieces = layout.pieces
    lines = layout.line_cost(low, high)
    if high - low > 1:
        too_long = pieces[high - 1].end - pieces[low].start > MAX_CUE_MS
        if lines == INFEASIBLE or too_long or pieces[low + 1].start - pieces[low].end > PAUSE_MS:
            return INFEASIBLE
    alone = 2.5 if high - low == 1 else 0.0
    return 1.0 + lines + alone + layout.break_cost(high) + layout.sentence_cost(low, high) + _haste(layout, low, high)


def _haste(layout: Layout, low: int, high: int) -> float:
    """Return the penalty of a cue that is shown too short to be read."""
    pieces = layout.pieces
    spoken_ms = _end(pieces[low:high]) - pieces[low].start
    room_ms = MAX_CUE_MS if high == len(pieces) else pieces[high].start - pieces[low].start - GAP_MS
    shown_ms = max(1, min(max(room_ms, spoken_ms), MAX_CUE_MS))
    speed = layout.width(low, high) * 1000 / shown_ms
    cost = 3.0 if shown_ms < MIN_CUE_MS else 0.0
    if speed > MAX_SPEED:
        cost += 3.0 + min(10.0, (speed - MAX_SPEED) / 2)
    elif speed > TARGET_SPEED:
        cost += (speed - TARGET_SPEED) * 0.4
    return cost


def _end(pieces: Sequence[Piece]) -> int:
    return max(piece.end for piece in pieces)
