"""Audio bytes beside the snapshot: a client's audio between offer and transmission, by absolute position."""


class AudioBuffer:
    """Bytes of whole sample frames, addressed by sample, and the residue behind the last whole one.

    Bounded by its user: a client offers at most ``backlog_s`` beyond its credit.
    """

    __slots__ = ("_bytes", "_first", "frame_bytes")

    def __init__(self, frame_bytes: int) -> None:
        self.frame_bytes = frame_bytes
        """Bytes of one sample frame."""
        self._bytes = bytearray()
        self._first = 0

    def __len__(self) -> int:
        """Bytes held."""
        return len(self._bytes)

    def append(self, data: bytes) -> None:
        """Add bytes; they may end in the middle of a sample frame."""
        self._bytes += data

    @property
    def end_sample(self) -> int:
        """The position behind the last whole sample frame."""
        return self._first + len(self._bytes) // self.frame_bytes

    @property
    def residue(self) -> int:
        """Bytes behind the last whole sample frame."""
        return len(self._bytes) % self.frame_bytes

    def take(self, start_sample: int, end_sample: int, residue: int = 0) -> bytes:
        """Return the bytes of a span (and ``residue`` bytes behind it) and forget everything before its end."""
        begin = (start_sample - self._first) * self.frame_bytes
        end = (end_sample - self._first) * self.frame_bytes + residue
        if not 0 <= begin <= end <= len(self._bytes):
            raise ValueError(f"samples {start_sample}-{end_sample} are not held: first is {self._first}")
        data = bytes(memoryview(self._bytes)[begin:end])
        del self._bytes[:end]
        self._first = end_sample
        return data

    def drain(self) -> bytes:
        """Return every whole sample frame that is held, and forget it."""
        return self.take(self._first, self.end_sample)
