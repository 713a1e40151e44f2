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
        self._actions: list[tuple[float, int, Action]] = []
        self._entered = 0

    def at(self, time: float, action: Action) -> None:
        """Enter a deed for a time; a time that has passed is now."""
        self._entered += 1
        heappush(self._actions, (max(time, self.now), self._entered, action))

    def after(self, seconds: float, action: Action) -> None:
        """Enter a deed for so many seconds from now."""
        self.at(self.now + seconds, action)

    @property
    def next(self) -> float | None:
        """When the next deed is due; None where nothing is entered."""
        return self._actions[0][0] if self._actions else None

    def step(self) -> None:
        """Do the next deed at its time. Raises `IndexError` where nothing is entered."""
        self.now, _, action = heappop(self._actions)
        self.done += 1
        action()
