"""The audio that no server has decided yet: what waits to be sent, and what another session would have to hear again.

A client resumes its session by itself. This is for what comes after: it has given up, or the server ended the session
on purpose (a restart, a time limit). Positions are samples of the stream, from its first one.
"""

from bisect import bisect_right
from operator import attrgetter
from typing import Final, NamedTuple

BYTES_PER_SAMPLE: Final = 2
"""Pipecat's audio is 16-bit and mono."""


class Chunk(NamedTuple):
    """Samples ``start`` up to ``end``. ``pcm`` is None where the audio was dropped before it could be sent."""

    start: int
    end: int
    pcm: bytes | None


class UndecidedAudio:
    """A queue of chunks: audio is appended at the end, and released at the start once it is decided."""

    def __init__(self, *, most_samples: int) -> None:
        self.start = 0
        """Everything before this position is decided, or lost."""
        self.end = 0
        """Position of the next sample."""
        self._most_samples = most_samples
        self._chunks: list[Chunk] = []

    def __len__(self) -> int:
        """Return the number of samples that are not decided."""
        return self.end - self.start

    def append(self, pcm: bytes) -> int:
        """Append whole samples. Return how many of them are dropped, because too much waits already."""
        samples = len(pcm) // BYTES_PER_SAMPLE
        if not samples:
            return 0
        fits = len(self) + samples <= self._most_samples
        kept = pcm[: samples * BYTES_PER_SAMPLE] if fits else None
        self._chunks.append(Chunk(self.end, self.end + samples, kept))
        self.end += samples
        return 0 if fits else samples

    def release(self, upto: int) -> int:
        """Release everything before ``upto``. Return how many samples of it had been dropped.

        The start never moves back, and never beyond the end.
        """
        before, self.start = self.start, max(self.start, min(upto, self.end))
        gaps = (chunk for chunk in self._chunks[: self._index(self.start) + 1] if chunk.pcm is None)
        dropped = sum(max(0, min(gap.end, self.start) - max(gap.start, before)) for gap in gaps)
        del self._chunks[: self._index(self.start)]
        return dropped

    def first_from(self, position: int) -> Chunk | None:
        """Return the first chunk from a position on, cut to begin there; None where nothing waits."""
        index = self._index(position)
        if index == len(self._chunks):
            return None
        chunk = self._chunks[index]
        cut = max(0, position - chunk.start)
        pcm = None if chunk.pcm is None else chunk.pcm[cut * BYTES_PER_SAMPLE :]
        return Chunk(chunk.start + cut, chunk.end, pcm)

    def _index(self, position: int) -> int:
        """Return the index of the first chunk that ends behind a position."""
        return bisect_right(self._chunks, position, key=attrgetter("end"))
