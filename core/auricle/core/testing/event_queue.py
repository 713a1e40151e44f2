"""`EventQueue`: a discrete-event scheduler under virtual time. Nothing waits, so hours pass in milliseconds."""

from collections.abc import Callable
from heapq import heappop, heappush

Action = Callable[[], None]


class EventQueue:
    """Actions by time. Actions for the same time run in the order in which they were scheduled."""

    def __init__(self) -> None:
        self.now = 0.0
        """Virtual seconds since the beginning."""
        self.done = 0
        """Number of actions that have run."""
        self._actions: list[tuple[float, int, Action]] = []
        self._scheduled = 0

    def at(self, time: float, action: Action) -> None:
        """Schedule an action for a time in seconds; a time that has passed means now."""
        self._scheduled += 1
        heappush(self._actions, (max(time, self.now), self._scheduled, action))

    def after(self, seconds: float, action: Action) -> None:
        """Schedule an action ``seconds`` from now."""
        self.at(self.now + seconds, action)

    @property
    def next(self) -> float | None:
        """When the next action is due; None where there is none."""
        return self._actions[0][0] if self._actions else None

    def step(self) -> None:
        """Advance to the next action and run it. Raises `IndexError` where there is none."""
        self.now, _, action = heappop(self._actions)
        self.done += 1
        action()
