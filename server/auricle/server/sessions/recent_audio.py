"""The audio of a session whose finals have not come yet, as it came. Positions are session samples."""

from collections import deque

from auricle.core.parts import AudioFormat
from auricle.engines.audio.encodings import SILENCE


class RecentAudio:
    """No more than the last ``longest_s`` seconds of it, so that a session in which nobody speaks keeps little."""

    def __init__(self, audio: AudioFormat, *, longest_s: float) -> None:
        self._frame_bytes = audio.frame_bytes
        self._longest = longest_s * audio.sample_rate
        self._silence = SILENCE[audio.encoding]
        self._chunks: deque[tuple[int, bytes]] = deque()

    def append(self, start_sample: int, pcm: bytes) -> None:
        """Take whole sample frames from ``start_sample`` on."""
        self._chunks.append((start_sample, pcm))
        end = start_sample + len(pcm) // self._frame_bytes
        self.forget_before(end - self._longest)

    def take(self, begin: int, end: int) -> bytes:
        """Return the samples from ``begin`` to ``end``, silence where there are none, and forget those before."""
        size = self._frame_bytes
        taken = bytearray(self._silence * ((end - begin) * size))
        for start, pcm in self._chunks:
            first, last = max(begin, start), min(end, start + len(pcm) // size)
            if first < last:
                taken[(first - begin) * size : (last - begin) * size] = pcm[
                    (first - start) * size : (last - start) * size
                ]
        self.forget_before(end)
        return bytes(taken)

    def forget_before(self, sample: float) -> None:
        """Forget the chunks that end at ``sample`` or before."""
        while self._chunks and self._end_of_first() <= sample:
            self._chunks.popleft()

    def _end_of_first(self) -> int:
        start, pcm = self._chunks[0]
        return start + len(pcm) // self._frame_bytes
