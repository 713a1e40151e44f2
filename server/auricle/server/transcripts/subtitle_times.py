"""When each cue of subtitles is shown: long enough to be read, and not into the next one."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

MAX_CUE_MS: Final = 7_000
MIN_CUE_MS: Final = 833
"""Minimum duration of a cue, where the next one leaves room: twenty frames of 24 a second."""
GAP_MS: Final = 83
"""Between two cues: two frames of 24 a second, so that the eye sees the change."""
CLOSED_MS: Final = 500
"""A gap shorter than this flickers: the cue stays until `GAP_MS` before the next one."""
READING_MS: Final = 1_000 / 17
"""Milliseconds that a column of text is shown where there is room (17 characters a second)."""
EARLY_MS: Final = 300
"""How much sooner than its first word a cue may come where it is too short to be read otherwise."""


def shown(spoken: Sequence[tuple[int, int, int]]) -> list[tuple[int, int]]:
    """Return when each cue begins and ends (ms), given when it is spoken, from and to, and its width in columns.

    Starts increase strictly, and no cue ends after the next one starts: players order overlapping cues arbitrarily.
    """
    starts = list(accumulate((start for start, _, _ in spoken), lambda before, start: max(before + 1, start)))
    early: list[int] = []
    for index, start in enumerate(starts):
        before = early[-1] + 1 if early else 0
        free_from = max(before, spoken[index - 1][1] + GAP_MS) if index else 0
        early.append(max(min(start, free_from), start - _lacking(starts, spoken, index)))
    return [(start, _end(early, spoken, index)) for index, start in enumerate(early)]


def _lacking(starts: Sequence[int], spoken: Sequence[tuple[int, int, int]], index: int) -> int:
    """Return the milliseconds that a cue lacks to be read in, as far as it may come early."""
    if index + 1 == len(starts):
        return 0
    room = starts[index + 1] - GAP_MS - starts[index]
    return max(0, min(EARLY_MS, _reading(spoken[index][2]) - room))


def _end(starts: Sequence[int], spoken: Sequence[tuple[int, int, int]], index: int) -> int:
    start, (_, end, width) = starts[index], spoken[index]
    wanted = max(end, start + _reading(width))
    if index + 1 < len(starts):
        following = starts[index + 1]
        if following - wanted < CLOSED_MS:
            wanted = max(start + 1, following - GAP_MS)
    return min(max(wanted, start + 1), start + MAX_CUE_MS)


def _reading(width: int) -> int:
    """Return the milliseconds in which a cue of that width can be read with ease."""
    return max(MIN_CUE_MS, round(width * READING_MS))
