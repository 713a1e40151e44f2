"""How much audio was used, for the framework's ``RECOGNITION_USAGE`` events. Pure."""

from typing import Final

USAGE_INTERVAL_S: Final = 5.0
"""Seconds of audio after which usage is reported."""


class UsageMeter:
    """Seconds of audio sent to servers, reported in increments."""

    def __init__(self) -> None:
        self._used_s = 0.0
        self._reported_s = 0.0

    def add(self, seconds: float) -> None:
        """Count audio. Audio that is sent again after a reconnect is counted once."""
        self._used_s += seconds

    def due(self) -> bool:
        """Return whether `USAGE_INTERVAL_S` of audio have not been reported."""
        return self._used_s - self._reported_s >= USAGE_INTERVAL_S

    def take(self) -> float:
        """Return the seconds that have not been reported, and count them as reported."""
        unreported, self._reported_s = self._used_s - self._reported_s, self._used_s
        return unreported
