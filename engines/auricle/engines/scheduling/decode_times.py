"""How long the latest calls of an engine took: for those who watch a server, and never for a decision."""

from collections import deque
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Final

LATEST: Final = 200
"""Calls that are remembered: some minutes of a few sessions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeSummary:
    """The latest calls of an engine, at most `LATEST`. Times are seconds."""

    calls: int
    """Calls since the engine was loaded."""
    latest: int
    """Calls that the other numbers are of."""
    windows: int
    audio_s: float
    """Seconds of audio in their windows; a window that is decoded again for a partial counts again."""
    median_s: float
    slowest_tenth_s: float
    """Nine calls in ten took no longer."""
    slowest_s: float


class DecodeTimes:
    """Records calls, and sums up the latest."""

    def __init__(self) -> None:
        self._calls = 0
        self._latest: deque[tuple[float, int, float]] = deque(maxlen=LATEST)

    def record(self, *, took_s: float, windows: int, audio_s: float) -> None:
        """Note a call that has returned."""
        self._calls += 1
        self._latest.append((took_s, windows, audio_s))

    def summary(self) -> DecodeSummary | None:
        """Sum up the latest calls; None before the first one."""
        if not self._latest:
            return None
        took_s = [call[0] for call in self._latest]
        return DecodeSummary(
            calls=self._calls,
            latest=len(took_s),
            windows=sum(call[1] for call in self._latest),
            audio_s=sum(call[2] for call in self._latest),
            median_s=median(took_s),
            slowest_tenth_s=quantiles(took_s, n=10, method="inclusive")[-1] if len(took_s) > 1 else took_s[0],
            slowest_s=max(took_s),
        )
