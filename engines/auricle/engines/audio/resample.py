"""Streaming resampling from the session's sample rate to the engine's, with an exact map between the two timelines."""

from math import gcd
from typing import Final

import numpy as np
import soxr

from auricle.engines.protocol import ENGINE_RATE, Samples

CHUNK_S: Final = 0.01
"""Audio is resampled in chunks of this many seconds, so that the output after n samples never depends on how the input
was split into frames."""
_EMPTY: Final = np.zeros(0, dtype=np.float32)
_EMPTY.flags.writeable = False


class Timeline:
    """Maps sample positions of the session at ``rate`` Hz to engine samples, and back."""

    def __init__(self, rate: int) -> None:
        divisor = gcd(rate, ENGINE_RATE)
        self.rate: Final = rate
        self._up, self._down = ENGINE_RATE // divisor, rate // divisor

    def engine_sample(self, session_sample: int) -> int:
        """Return how many engine samples the first ``session_sample`` samples of the session resample to."""
        return session_sample * self._up // self._down

    def session_sample(self, engine_sample: int) -> int:
        """Return the fewest session samples that resample to ``engine_sample`` engine samples.

        For a position the engine has been given this is never beyond what the session has received.
        """
        return -(-engine_sample * self._down // self._up)


class Resampler:
    """Resamples mono audio from the session's rate to `ENGINE_RATE`.

    After `drain` exactly ``timeline.engine_sample(n)`` samples have been returned for n samples pushed; before that a
    few less, because the filter looks ahead.
    """

    def __init__(self, rate: int) -> None:
        self.timeline: Final = Timeline(rate)
        self._soxr = None if rate == ENGINE_RATE else soxr.ResampleStream(rate, ENGINE_RATE, 1, dtype="float32")
        self._chunk = max(1, round(rate * CHUNK_S))
        self._pending = _EMPTY
        """Input that does not fill a chunk yet."""
        self._pushed = 0
        self._returned = 0

    def push(self, samples: Samples) -> Samples:
        """Add ``samples``, shape ``(n,)``, and return the output that is complete."""
        self._pushed += len(samples)
        if self._soxr is None:
            return samples
        pending = np.concatenate([self._pending, samples])
        whole = len(pending) - len(pending) % self._chunk
        self._pending = pending[whole:].copy()
        chunks = [self._soxr.resample_chunk(pending[at : at + self._chunk]) for at in range(0, whole, self._chunk)]
        return self._trimmed(np.concatenate([_EMPTY, *chunks]))

    def drain(self) -> Samples:
        """Return all output that is still held. The next `push` is resampled as if silence came before it."""
        if self._soxr is None:
            return _EMPTY
        rest = self._soxr.resample_chunk(self._pending, last=True)
        self._soxr.clear()
        self._pending = _EMPTY
        missing = self.timeline.engine_sample(self._pushed) - self._returned
        return self._trimmed(np.pad(rest, (0, max(0, missing - len(rest)))))

    def _trimmed(self, output: Samples) -> Samples:
        """Return no more than the timeline allows: soxr rounds where the timeline takes the floor."""
        allowed = output[: self.timeline.engine_sample(self._pushed) - self._returned]
        self._returned += len(allowed)
        return allowed
