"""When which sample of a session arrived: what the delay of a final counts from."""

from collections import deque
from typing import Final, NamedTuple

STEP_S: Final = 0.1
"""Audio between two marks; arrivals between them are interpolated."""
PAUSE_S: Final = 0.2
"""A longer time between two frames is a pause of the client, over which nothing is interpolated."""
MOST: Final = 1_000
"""Marks that are kept: 100 s, of which only what is not decided yet is needed."""


class Mark(NamedTuple):
    """``sample``, and everything before it, had arrived ``at``, in seconds."""

    sample: int
    at: float


class Arrivals:
    """Of one session, with so many samples a second."""

    def __init__(self, rate: int) -> None:
        self._step = max(1, int(rate * STEP_S))
        self._marks: deque[Mark] = deque(maxlen=MOST)
        self._last: Mark | None = None

    def arrived(self, end_sample: int, now: float) -> None:
        """Note that audio up to ``end_sample`` has arrived. For every frame of every session."""
        last = self._last
        if last is not None and (now - last.at > PAUSE_S or last.sample - self._newest >= self._step):
            self._marks.append(last)
        self._last = Mark(end_sample, now)

    @property
    def _newest(self) -> int:
        return self._marks[-1].sample if self._marks else -self._step

    def at(self, sample: int) -> float | None:
        """Return when a sample arrived; None where that is forgotten, or it has not."""
        before: Mark | None = None
        for mark in (*self._marks, *([self._last] if self._last is not None else [])):
            if mark.sample >= sample:
                return _between(before, mark, sample)
            before = mark
        return None

    def forget_before(self, sample: int) -> None:
        """Forget what is decided."""
        while len(self._marks) > 1 and self._marks[1].sample <= sample:
            self._marks.popleft()


def _between(before: Mark | None, mark: Mark, sample: int) -> float:
    """Return when a sample arrived that lies behind ``before`` and not behind ``mark``."""
    if before is None or mark.at - before.at > PAUSE_S + STEP_S:
        return mark.at
    share = (sample - before.sample) / (mark.sample - before.sample)
    return before.at + share * (mark.at - before.at)
