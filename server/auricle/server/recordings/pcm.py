"""Conversion of decoded audio to what a session sends: mono 16 kHz ``pcm_s16le`` in chunks of equal length."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import soxr
from numpy.typing import NDArray

SAMPLE_RATE: Final = 16_000
"""Sample rate of the output in Hz."""
SAMPLE_BYTES: Final = 2
CHUNK_MS: Final = 100
"""Milliseconds of audio in one chunk: low latency at little overhead."""
MOST_BLOCK_SAMPLES: Final = 1 << 20
"""Of all channels together, that a source yields at once: a thousand channels must not cost a thousandfold."""
FULL_SCALE: Final = 32_768
MIN_SOURCE_RATE: Final = 2_000
MAX_SOURCE_RATE: Final = 768_000
"""Plausible range of source sample rates in Hz; a header outside it is taken as damaged."""
LOUD_POWER: Final = 16_000 * 0.01**2
"""Summed squares from which channels are judged: a second at 16 kHz and -40 dB of full scale."""
CANCELLED_PART: Final = 0.01
"""The part of their power that is left of channels that cancel each other: -20 dB. Two strangers leave a half."""

Samples = NDArray[np.float32]


def block_frames(sample_rate: int, channels: int, *, blocks_a_second: int) -> int:
    """Return how many sample frames a source yields at once, at least one.

    It is one block of so many a second, or shorter where there are very many channels.
    """
    return max(1, min(sample_rate // blocks_a_second, MOST_BLOCK_SAMPLES // max(1, channels)))


class PcmStream:
    """Converts blocks at the source's rate and channels to chunks of bytes.

    Give blocks of shape ``(frames, channels)``, float32 with full scale ±1, to `feed`; call `finish` once at the end.
    Channels are averaged, or ``channel`` alone (counted from 1) is taken; of a block whose channels cancel each other,
    the first. Samples beyond full scale are clipped; NaN and infinity become silence, so that one bad sample cannot
    spread through the resampler. At 16 kHz, 16-bit samples come out bit for bit.
    """

    def __init__(self, source_rate: int, *, channel: int | None = None, chunk_ms: int = CHUNK_MS) -> None:
        self._channel = channel
        self._powers = np.zeros(2)
        """Mean squares added up: of the average, and of all channels."""
        self._chunk_bytes = SAMPLE_RATE * chunk_ms // 1000 * SAMPLE_BYTES
        self._pending = bytearray()
        self._resampler: Any = None
        if source_rate != SAMPLE_RATE:
            self._resampler = soxr.ResampleStream(source_rate, SAMPLE_RATE, 1, dtype="float32")

    def feed(self, block: Samples) -> Iterator[bytes]:
        """Yield the complete chunks that ``block`` fills."""
        finite = np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)
        yield from self._cut(self._resample(self._mono(np.clip(finite, -1.0, 1.0))))

    def finish(self) -> Iterator[bytes]:
        """Yield the rest: chunks that the resampler held back, and a shorter last one."""
        if self._resampler is not None:
            tail = self._resampler.resample_chunk(np.zeros(0, np.float32), last=True)
            yield from self._cut(tail)
        if self._pending:
            yield bytes(self._pending)
            self._pending.clear()

    @property
    def cancels(self) -> bool:
        """Whether the channels have cancelled each other so far: what they have in common is their opposite."""
        mono, channels = self._powers
        return bool(channels > LOUD_POWER and mono < channels * CANCELLED_PART)

    def _mono(self, block: Samples) -> Samples:
        if self._channel is not None:
            return block[:, self._channel - 1]
        mono: Samples = block.mean(axis=1, dtype=np.float32)
        if block.shape[1] > 1:
            left, power = np.square(mono).sum(), np.square(block).mean(axis=1).sum()
            self._powers += (left, power)
            if left < power * CANCELLED_PART:
                return block[:, 0]
        return mono

    def _resample(self, mono: Samples) -> Samples:
        if self._resampler is None:
            return mono
        resampled: Samples = self._resampler.resample_chunk(mono)
        return resampled

    def _cut(self, mono: Samples) -> Iterator[bytes]:
        scaled = np.clip(np.rint(mono * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
        self._pending += scaled.astype("<i2").tobytes()
        while len(self._pending) >= self._chunk_bytes:
            yield bytes(self._pending[: self._chunk_bytes])
            del self._pending[: self._chunk_bytes]
