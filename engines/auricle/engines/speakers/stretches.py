"""The stretches of a final that are listened to: consecutive words, probably one person's. Pure."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from auricle.core import Word

PAUSE_S: Final = 0.3
"""Behind a pause somebody else may speak."""
LONGEST_S: Final = 2.0
"""Longer ones might hold two voices, shorter ones are harder to tell apart."""


class Stretch(NamedTuple):
    """Words ``begin`` up to ``end`` of a final, and their times in seconds."""

    begin: int
    end: int
    start_s: float
    end_s: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end_s - self.start_s


def stretches(words: Sequence[Word]) -> Sequence[Stretch]:
    """Return the stretches of the words of a final, which tile them."""
    found: list[Stretch] = []
    begin = 0
    for index in range(1, len(words) + 1):
        if index == len(words) or words[index].start - words[index - 1].end >= PAUSE_S:
            found += _pieces(words, begin, index)
            begin = index
    return found


def _pieces(words: Sequence[Word], begin: int, end: int) -> Sequence[Stretch]:
    """Return words without a pause in pieces of about one length, none much longer than `LONGEST_S`."""
    start_s, seconds = words[begin].start, words[end - 1].end - words[begin].start
    count = min(max(1, math.ceil(seconds / LONGEST_S)), end - begin)
    pieces: list[Stretch] = []
    first = begin
    for piece in range(1, count + 1):
        limit_s = start_s + seconds * piece / count
        last = end if piece == count else first
        while last < end and (words[last].start + words[last].end) / 2 < limit_s:
            last += 1
        if last > first:
            pieces.append(Stretch(first, last, words[first].start, words[last - 1].end))
        first = last
    return pieces
