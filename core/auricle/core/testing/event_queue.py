"""Virtual time: what happens when, and in which order. Nothing waits, so hours pass in milliseconds."""

from collections.abc import Callable
from heapq import heappop, heappush

Action = Callable[[], None]


class EventQueue:
    """Deeds by time. What is due at the same time is done in the order in which it was entered."""

    def __init__(self) -> None:
        self.now = 0.0
        """Seconds since the beginning."""
        self.done = 0
        """Deeds done."""
        self._deeds: list[tuple[float, int, Action]] = []
        self._entered = 0

    def at(self, time: float, deed: Action) -> None:
        """Enter a deed for a time; a time that has passed is now."""
        self._entered += 1
        heappush(self._deeds, (max(time, self.now), self._entered, deed))

    def after(self, seconds: float, deed: Action) -> None:
        """Enter a deed for so many seconds from now."""
        self.at(self.now + seconds, deed)

    @property
    def next(self) -> float | None:
        """When the next deed is due; None where nothing is entered."""
        return self._deeds[0][0] if self._deeds else None

    def step(self) -> None:
        """Do the next deed at its time. Raises `IndexError` where nothing is entered."""
        self.now, _, deed = heappop(self._deeds)
        self.done += 1
        deed()
