"""The audio that no server has decided yet: what a new session has to be given when one has ended for good.

The client resumes a session by itself; this is for what comes after it has given up, or after a server that ended the
session on purpose (a restart, a time limit). Positions are samples of the stream, from its first one.
"""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

BYTES: int = 2
"""Bytes of a sample: the framework's audio is 16-bit."""


class Piece(NamedTuple):
    """Samples ``start`` up to ``end``; without ``pcm`` nobody knows what they were."""

    start: int
    end: int
    pcm: bytes | None


class UndecidedAudio:
    """Appended at one end, forgotten at the other."""

    def __init__(self) -> None:
        self.start = 0
        """Everything before it is decided."""
        self.end = 0
        """Position of the next sample."""
        self._pieces: deque[Piece] = deque()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self.start < self.end

    def append(self, pcm: bytes) -> None:
        """Add whole samples of audio."""
        self._add(len(pcm) // BYTES, pcm)

    def skip(self, samples: int) -> None:
        """Go on by ``samples`` that are not there."""
        self._add(samples, None)

    def settle(self, upto: int) -> None:
        """Everything before ``upto`` is decided. Never goes back, and never beyond the end."""
        self.start = max(self.start, min(upto, self.end))
        while self._pieces and self._pieces[0].end <= self.start:
            self._pieces.popleft()

    def since(self, position: int) -> Iterator[Piece]:
        """Return what there is from a position on, in order."""
        for piece in tuple(self._pieces):
            if piece.end <= position:
                continue
            cut = max(0, position - piece.start)
            yield Piece(piece.start + cut, piece.end, None if piece.pcm is None else piece.pcm[cut * BYTES :])

    def _add(self, samples: int, pcm: bytes | None) -> None:
        if samples:
            self._pieces.append(Piece(self.end, self.end + samples, pcm))
            self.end += samples
