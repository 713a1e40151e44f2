"""`AudioRing`: the audio that a client has offered, by absolute position, until it need not be sent again.

The snapshot holds positions only; this buffer holds the bytes.
"""

from collections import deque


class _Run:
    """Contiguous samples from ``start`` on."""

    __slots__ = ("data", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.data = bytearray()


class AudioRing:
    """Bytes of sample frames by sample position, with gaps, and the residue after the last whole frame.

    It has no bound of its own: its user bounds it by credit, ``backlog_s``, ``ring_s`` and what acks allow to discard.
    """

    def __init__(self, frame_bytes: int, first_sample: int = 0) -> None:
        self.frame_bytes = frame_bytes
        """Bytes of one sample frame."""
        self._runs = deque([_Run(first_sample)])

    def __len__(self) -> int:
        """Bytes held."""
        return sum(len(run.data) for run in self._runs)

    @property
    def residue(self) -> int:
        """Bytes after the last whole sample frame."""
        return len(self._runs[-1].data) % self.frame_bytes

    def append(self, data: bytes) -> None:
        """Append bytes; they may end in the middle of a sample frame."""
        self._runs[-1].data += data

    def skip(self, samples: int) -> None:
        """Advance by ``samples`` without bytes. There must be no residue."""
        last = self._runs[-1]
        self._runs.append(_Run(last.start + len(last.data) // self.frame_bytes + samples))

    def read(self, start_sample: int, end_sample: int, residue: int = 0) -> bytes:
        """Return the bytes of a span and ``residue`` bytes after it. Raises `ValueError` where any is missing."""
        run = next((run for run in reversed(self._runs) if run.start <= start_sample), None)
        if run is not None:
            begin = (start_sample - run.start) * self.frame_bytes
            end = (end_sample - run.start) * self.frame_bytes + residue
            if begin <= end <= len(run.data):
                return bytes(memoryview(run.data)[begin:end])
        raise ValueError(f"samples {start_sample}-{end_sample} are not held")

    def discard(self, before_sample: int) -> None:
        """Discard everything before a position."""
        while len(self._runs) > 1 and self._runs[1].start <= before_sample:
            self._runs.popleft()
        run = self._runs[0]
        samples = min(before_sample - run.start, len(run.data) // self.frame_bytes)
        if samples > 0:
            del run.data[: samples * self.frame_bytes]
            run.start += samples
