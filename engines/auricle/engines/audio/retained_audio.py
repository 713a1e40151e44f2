"""A growable buffer for the audio that may still be decoded, addressed by position in the session."""

from typing import Final

import numpy as np

from auricle.engines.protocol import Samples

INITIAL_CAPACITY: Final = 16_384
"""Samples that the buffer holds at first: about one second."""


class RetainedAudio:
    """Engine samples ``start`` to ``end`` of a session. The buffer grows with the longest utterance only."""

    def __init__(self) -> None:
        self.start = 0
        self.end = 0
        self._buffer = np.zeros(INITIAL_CAPACITY, dtype=np.float32)
        self._first = 0
        """Index in the buffer of sample ``start``."""

    def append(self, samples: Samples) -> None:
        """Append ``samples``, shape ``(n,)``, at ``end``."""
        held = self.end - self.start
        if self._first + held + len(samples) > len(self._buffer):
            self._grow(held + len(samples))
        at = self._first + held
        self._buffer[at : at + len(samples)] = samples
        self.end += len(samples)

    def slice(self, begin: int, end: int) -> Samples:
        """Return a copy of the samples from ``begin`` to ``end``. Raises `IndexError` for what is not held."""
        if not self.start <= begin <= end <= self.end:
            raise IndexError(f"samples {begin} to {end} of {self.start} to {self.end}")
        offset = self._first - self.start
        return self._buffer[offset + begin : offset + end].copy()

    def forget_before(self, position: int) -> None:
        """Release the samples before ``position``."""
        position = min(max(position, self.start), self.end)
        self._first += position - self.start
        self.start = position

    def _grow(self, samples: int) -> None:
        """Move the samples held to the front of a buffer for twice ``samples``, so that moves stay rare."""
        held = self._buffer[self._first : self._first + self.end - self.start]
        buffer = np.zeros(max(INITIAL_CAPACITY, 2 * samples), dtype=np.float32)
        buffer[: len(held)] = held
        self._buffer, self._first = buffer, 0
