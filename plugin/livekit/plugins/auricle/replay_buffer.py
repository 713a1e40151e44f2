"""The audio that no server has committed yet. It is sent again when a new session replaces one that failed for good.

The client resumes a session by itself, from a buffer of its own. This buffer serves what comes after: the client has
given up, or the server ended the session on purpose (a restart, a time limit). Positions are samples of the stream,
from its first one.
"""

from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

BYTES_PER_SAMPLE: Final = 2
"""The framework's audio is 16-bit."""


class Chunk(NamedTuple):
    """Samples ``start`` up to ``end``. ``pcm`` is None where the audio was dropped before it could be sent."""

    start: int
    end: int
    pcm: bytes | None


class ReplayBuffer:
    """A queue of chunks: audio is appended at the end, and released at the start once it is committed.

    It is true while it holds any samples.
    """

    def __init__(self) -> None:
        self.start = 0
        """Everything before this position is committed."""
        self.end = 0
        """Position of the next sample."""
        self._chunks: deque[Chunk] = deque()

    def __bool__(self) -> bool:
        return self.start < self.end

    def __len__(self) -> int:
        """Return the number of samples that are not committed."""
        return self.end - self.start

    def append(self, pcm: bytes) -> None:
        """Append whole 16-bit samples."""
        self._append(len(pcm) // BYTES_PER_SAMPLE, pcm)

    def skip(self, samples: int) -> None:
        """Advance the end by ``samples`` that were dropped."""
        self._append(samples, None)

    def commit(self, upto: int) -> None:
        """Release everything before ``upto``. The start never moves back, and never beyond the end."""
        self.start = max(self.start, min(upto, self.end))
        while self._chunks and self._chunks[0].end <= self.start:
            self._chunks.popleft()

    def chunks_from(self, position: int) -> Iterator[Chunk]:
        """Yield the buffered chunks from a position on, in order; the first is cut to begin there."""
        for chunk in tuple(self._chunks):
            if chunk.end <= position:
                continue
            cut = max(0, position - chunk.start)
            pcm = None if chunk.pcm is None else chunk.pcm[cut * BYTES_PER_SAMPLE :]
            yield Chunk(chunk.start + cut, chunk.end, pcm)

    def _append(self, samples: int, pcm: bytes | None) -> None:
        if samples:
            self._chunks.append(Chunk(self.end, self.end + samples, pcm))
            self.end += samples
