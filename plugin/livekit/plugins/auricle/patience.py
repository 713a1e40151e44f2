"""How long a stream waits for a server that was there and is gone, and how often it tries. Pure."""

from typing import Final

FIRST_DELAY_S: Final = 0.1
LONGEST_DELAY_S: Final = 1.0
"""Between two tries; it doubles from the first one. The server is mostly one of the user's own, and so is the load."""


class Patience:
    """``limit_s``: the longest wait without progress. ``now``: the event loop's time, given by the caller."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._since: float | None = None
        """When it began to wait; None while the server makes progress."""
        self._tries = 0

    def progress(self) -> None:
        """The server has decided something: the next wait begins anew."""
        self._since, self._tries = None, 0

    def next_delay(self, now: float) -> float | None:
        """Return the seconds until the next try; None where the patience is at its end."""
        self._since = now if self._since is None else self._since
        left_s = self._since + self._limit_s - now
        if left_s <= 0:
            return None
        delay_s = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(self._tries, 16))
        self._tries += 1
        return min(delay_s, left_s)
