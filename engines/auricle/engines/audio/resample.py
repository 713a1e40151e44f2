"""From the session's rate to the engine's, as a stream, with an exact map between the two timelines."""

from math import gcd
from typing import Final

import numpy as np
import soxr

from auricle.engines.protocol import ENGINE_RATE, Samples

GRAIN_S: Final = 0.01
"""Audio is resampled in grains of this length, so that what has come out after n samples never depends on how they
were cut into frames."""
_NOTHING: Final = np.zeros(0, dtype=np.float32)
_NOTHING.flags.writeable = False


class Timeline:
    """Where a sample of the session lies among the engine's, and back."""

    def __init__(self, rate: int) -> None:
        divisor = gcd(rate, ENGINE_RATE)
        self.rate: Final = rate
        self._up, self._down = ENGINE_RATE // divisor, rate // divisor

    def engine_sample(self, session_sample: int) -> int:
        """Return how many engine samples the first ``session_sample`` samples are worth."""
        return session_sample * self._up // self._down

    def session_sample(self, engine_sample: int) -> int:
        """Return the fewest session samples that are worth ``engine_sample`` engine samples.

        For a position the engine has been given this is never beyond what the session has received.
        """
        return -(-engine_sample * self._down // self._up)


class Resampler:
    """Mono audio in at the session's rate, out at `ENGINE_RATE`.

    After `drain` exactly ``timeline.engine_sample(n)`` samples have come out for the n that went in; before that a
    little less, because a filter must hear the future.
    """

    def __init__(self, rate: int) -> None:
        self.timeline: Final = Timeline(rate)
        self._soxr = None if rate == ENGINE_RATE else soxr.ResampleStream(rate, ENGINE_RATE, 1, dtype="float32")
        self._grain = max(1, round(rate * GRAIN_S))
        self._waiting = _NOTHING
        self._taken = 0
        self._given = 0

    def push(self, samples: Samples) -> Samples:
        """Return what can be heard now that ``samples``, shape ``(n,)``, have come."""
        self._taken += len(samples)
        if self._soxr is None:
            return samples
        waiting = np.concatenate([self._waiting, samples])
        whole = len(waiting) - len(waiting) % self._grain
        self._waiting = waiting[whole:].copy()
        pieces = [self._soxr.resample_chunk(waiting[at : at + self._grain]) for at in range(0, whole, self._grain)]
        return self._fit(np.concatenate([_NOTHING, *pieces]))

    def drain(self) -> Samples:
        """Return everything that is still inside. The next `push` starts from silence."""
        if self._soxr is None:
            return _NOTHING
        rest = self._soxr.resample_chunk(self._waiting, last=True)
        self._soxr.clear()
        self._waiting = _NOTHING
        missing = self.timeline.engine_sample(self._taken) - self._given
        return self._fit(np.pad(rest, (0, max(0, missing - len(rest)))))

    def _fit(self, out: Samples) -> Samples:
        """Never give more than the map allows: soxr rounds where we floor."""
        fitting = out[: self.timeline.engine_sample(self._taken) - self._given]
        self._given += len(fitting)
        return fitting
