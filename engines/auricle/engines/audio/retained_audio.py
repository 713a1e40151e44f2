"""The audio that may still be needed, addressed by its position in the session, and the voice heard in it."""

from typing import Final

import numpy as np

from auricle.engines.protocol import BLOCK, Samples, VoiceDetector

FIRST_ROOM: Final = 16_384
"""Samples there is room for at first: about a second."""


class RetainedAudio:
    """Engine samples ``start`` to ``end`` of a session. Room is reused: it grows with the longest utterance only."""

    def __init__(self) -> None:
        self.start = 0
        self.end = 0
        self._room = np.zeros(FIRST_ROOM, dtype=np.float32)
        self._first = 0
        """Where in the room sample ``start`` lies."""

    def append(self, samples: Samples) -> None:
        """Add what comes next."""
        held = self.end - self.start
        if self._first + held + len(samples) > len(self._room):
            self._make_room(held + len(samples))
        at = self._first + held
        self._room[at : at + len(samples)] = samples
        self.end += len(samples)

    def slice(self, begin: int, end: int) -> Samples:
        """Return a copy of the samples from ``begin`` to ``end``. Raises `IndexError` for what is not held."""
        if not self.start <= begin <= end <= self.end:
            raise IndexError(f"samples {begin} to {end} of {self.start} to {self.end}")
        offset = self._first - self.start
        return self._room[offset + begin : offset + end].copy()

    def forget_before(self, position: int) -> None:
        """Give up what lies before ``position``."""
        position = min(max(position, self.start), self.end)
        self._first += position - self.start
        self.start = position

    def _make_room(self, samples: int) -> None:
        """Move what is held to the front of a room for twice as much as must fit, so that moves stay rare."""
        held = self._room[self._first : self._first + self.end - self.start]
        room = np.zeros(max(FIRST_ROOM, 2 * samples), dtype=np.float32)
        room[: len(held)] = held
        self._room, self._first = room, 0


class VoiceTrack:
    """The probability of each block of a fixed grid, asked once: going over old audio again costs nothing."""

    def __init__(self, detector: VoiceDetector) -> None:
        self._detector = detector
        self._known: list[float] = []
        self._first = 0
        """The block of the first known probability."""

    def probability(self, audio: RetainedAudio, begin: int) -> float:
        """Return the probability for the block at ``begin``, a multiple of `BLOCK` that was asked before or is next."""
        index = begin // BLOCK - self._first
        if index == len(self._known):
            # All that are there: for a neural network the second block costs half of what the first does.
            whole = begin + (audio.end - begin) // BLOCK * BLOCK
            self._known += self._detector(audio.slice(begin, whole).reshape(-1, BLOCK))
        return self._known[index]

    def voiced(self, begin: int, end: int, threshold: float) -> tuple[tuple[int, int], ...]:
        """Return the runs of blocks from ``threshold`` on between two positions, as far as they have been asked for."""
        spans: list[tuple[int, int]] = []
        first = max(begin // BLOCK, self._first)
        last = min(-(-end // BLOCK), self._first + len(self._known))
        for block in range(first, last):
            if self._known[block - self._first] < threshold:
                continue
            start, stop = max(begin, block * BLOCK), min(end, (block + 1) * BLOCK)
            if spans and spans[-1][1] == start:
                spans[-1] = (spans[-1][0], stop)
            else:
                spans.append((start, stop))
        return tuple(spans)

    def probability_of_last(self, audio: RetainedAudio, begin: int) -> float:
        """Return it for the block at ``begin`` that the end of the stream has cut short: the rest of it is silence."""
        rest = audio.slice(begin, audio.end)
        (probability,) = self._detector(np.pad(rest, (0, BLOCK - len(rest)))[None])
        return probability

    def forget_before(self, position: int) -> None:
        """Give up what is known of the blocks before the one at ``position``."""
        gone = min(max(0, position // BLOCK - self._first), len(self._known))
        del self._known[:gone]
        self._first += gone
