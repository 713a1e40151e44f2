"""Audio bytes beside the snapshot: what a client has offered, by absolute position, until it need not be sent again."""

from collections import deque


class _Run:
    """Bytes that belong together: samples without a gap, from ``start`` on."""

    __slots__ = ("data", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.data = bytearray()


class AudioRing:
    """Bytes of sample frames, addressed by sample, with gaps, and the residue behind the last whole frame.

    Bounded by its user: by credit, by ``backlog_s`` beyond it, and by what the server says may be discarded.
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
        """Bytes behind the last whole sample frame."""
        return len(self._runs[-1].data) % self.frame_bytes

    def append(self, data: bytes) -> None:
        """Add bytes; they may end in the middle of a sample frame."""
        self._runs[-1].data += data

    def skip(self, samples: int) -> None:
        """Let the timeline go on without bytes. Only where there is no residue."""
        last = self._runs[-1]
        self._runs.append(_Run(last.start + len(last.data) // self.frame_bytes + samples))

    def read(self, start_sample: int, end_sample: int, residue: int = 0) -> bytes:
        """Return the bytes of a span, and ``residue`` bytes behind it. Raises `ValueError` where they are not held."""
        run = next((run for run in reversed(self._runs) if run.start <= start_sample), None)
        if run is not None:
            begin = (start_sample - run.start) * self.frame_bytes
            end = (end_sample - run.start) * self.frame_bytes + residue
            if begin <= end <= len(run.data):
                return bytes(memoryview(run.data)[begin:end])
        raise ValueError(f"samples {start_sample}-{end_sample} are not held")

    def discard(self, before_sample: int) -> None:
        """Forget everything before a position."""
        while len(self._runs) > 1 and self._runs[1].start <= before_sample:
            self._runs.popleft()
        run = self._runs[0]
        samples = min(before_sample - run.start, len(run.data) // self.frame_bytes)
        if samples > 0:
            del run.data[: samples * self.frame_bytes]
            run.start += samples
