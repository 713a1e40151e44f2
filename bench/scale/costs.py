"""What a call costs: measured where it could be, from published figures where not. Every source is named.

A call encodes its windows and then runs as many decoder steps as the longest has tokens, for all of them together.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from auricle.engines.protocol import ENGINE_RATE, Lanes

TOKENS_A_SECOND = 2.6
"""Of speech, as measured with tiny.en."""
TOKENS = 3.0
"""Of any window: those that begin and end it."""
BEAM = 1.35
"""Times as long is a decoder step with a beam of five, as finals have: measured with tiny.en."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """One model on one kind of worker."""

    name: str
    basis: str
    """``measured``, or what it follows from."""
    batch: int
    buckets_s: tuple[float, ...]
    """Lengths that windows are filled up to, in seconds."""
    encode_ms: tuple[float, ...]
    """Of one window, by bucket, its alignment included."""
    step_ms: Mapping[int, float]
    """A decoder step by the number of windows, with what lies between on a line, and beyond as the last."""

    @property
    def lanes(self) -> Lanes:
        """Those of one worker."""
        return Lanes(count=1, batch=self.batch, buckets=tuple(round(each * ENGINE_RATE) for each in self.buckets_s))

    def call_s(self, samples: int, size: int, *, is_final: bool) -> float:
        """Return the seconds of a call with ``size`` windows, the longest of so many samples."""
        seconds = samples / ENGINE_RATE
        bucket = min(bisect_left(self.buckets_s, seconds), len(self.buckets_s) - 1)
        steps = TOKENS + TOKENS_A_SECOND * seconds
        beam = BEAM if is_final else 1.0
        return (size * self.encode_ms[bucket] + steps * self._step_ms(size) * beam) / 1000.0

    def _step_ms(self, size: int) -> float:
        sizes = sorted(self.step_ms)
        high = min((each for each in sizes if each >= size), default=sizes[-1])
        low = max((each for each in sizes if each <= size), default=sizes[0])
        if low == high:
            return self.step_ms[low]
        return self.step_ms[low] + (self.step_ms[high] - self.step_ms[low]) * (size - low) / (high - low)


TINY = Costs(
    name="tiny.en, int8, one processor core",
    basis="measured (AMD EPYC)",
    batch=8,
    buckets_s=(8.0, 13.0, 18.0, 28.0),
    encode_ms=(71.0, 119.0, 164.0, 414.0),
    step_ms=MappingProxyType({1: 5.4, 2: 5.8, 4: 8.0, 8: 10.8}),
)
"""The same numbers as in tests/engines/scheduling/simulation.py."""

H200_TURBO = Costs(
    name="large-v3-turbo, float16, an H200",
    basis="on paper: 64-76 GFLOP a second of audio for the encoder at 37 % of 989 TFLOP/s; 0.65 ms a decoder step, "
    "which launches bound and not arithmetic, up to 32 windows",
    batch=32,
    buckets_s=(4.0, 8.0, 13.0, 18.0, 28.0),
    encode_ms=(0.72, 1.45, 2.45, 3.55, 5.8),
    step_ms=MappingProxyType({1: 0.6, 32: 0.7}),
)
"""Never run: none was at hand. FLOPs are counted from the model's shape."""

RTX_LARGE = Costs(
    name="large-v2, float16, an RTX 3070 Ti",
    basis="fitted to what faster-whisper publishes (13 minutes in 63 s one by one, in 17 s with a batch of 8, beam 5, "
    "30-s windows), with the encoder at 6.7 ms a second of audio",
    batch=8,
    buckets_s=(8.0, 13.0, 18.0, 28.0),
    encode_ms=(54.0, 87.0, 121.0, 200.0),
    step_ms=MappingProxyType({1: 16.0, 8: 27.0}),
)
"""Two published times and one assumption: they do not tell how the encoder and the decoder share the first."""

FACTORS = (0.5, 1.0, 2.0)
"""What has not been measured is shown with half the cost, and with twice."""
