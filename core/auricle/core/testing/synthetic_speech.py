"""`SyntheticSpeech`: audio whose bytes depend on their position, and words that begin at known samples.

The same seed gives the same words. Nothing here depends on how the audio is cut into pieces.
"""

from random import Random
from typing import Final
from zlib import crc32

_TAPE_BYTES: Final = 262_139
"""A prime, so that the bytes repeat at no multiple of a frame size."""
_LONGEST: Final = 1_048_576
_TAPE: Final = Random(5).randbytes(_TAPE_BYTES) * (_LONGEST // _TAPE_BYTES + 3)


class SyntheticSpeech:
    """Speech in blocks of ``block`` samples, each of which holds one word or silence."""

    def __init__(self, seed: int, *, block: int, frame_bytes: int, pause_share: float = 0.3) -> None:
        self.seed = seed
        self.block = block
        self.frame_bytes = frame_bytes
        self._pauses = int(pause_share * 1000)

    def pcm(self, start_sample: int, end_sample: int) -> bytes:
        """Return the bytes of a span (at most a mebibyte): random, and different wherever they begin."""
        return self.cut(start_sample * self.frame_bytes, end_sample * self.frame_bytes)

    def cut(self, start_byte: int, end_byte: int) -> bytes:
        """Return the bytes of a byte range, which may begin and end within a sample."""
        begin = (start_byte + self.seed) % _TAPE_BYTES
        return _TAPE[begin : begin + end_byte - start_byte]

    def speaks(self, number: int) -> bool:
        """Whether block ``number`` holds a word."""
        return crc32(b"%d/%d" % (self.seed, number)) % 1000 >= self._pauses
