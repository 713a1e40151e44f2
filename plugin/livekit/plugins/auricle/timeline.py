"""From positions in the audio to the wall clock, and how much audio has been used. Pure: the time is an argument."""

from bisect import bisect_right
from typing import Final, NamedTuple

TOLERANCE_S: Final = 0.1
"""Frames come in bursts; only a longer lead or delay than this means that the input had paused or runs ahead."""
_HALF_A_MILLISECOND: Final = 0.0005
"""Positions in messages are rounded to milliseconds."""
MAX_MARKS: Final = 512
"""Marks kept. Who asks is interested in the last few seconds."""


class Mark(NamedTuple):
    """Position ``at_s`` of the audio was heard at ``wall_s``."""

    at_s: float
    wall_s: float


class WallClock:
    """When each position of the input was heard, for an input that may pause, or come faster than real time."""

    def __init__(self) -> None:
        self._marks: list[Mark] = []
        self._end_s = 0.0

    @property
    def started(self) -> bool:
        """Whether there has been any audio."""
        return bool(self._marks)

    def heard(self, seconds: float, now: float) -> None:
        """A frame of ``seconds`` has come; its last sample is from ``now``."""
        begin_s, begin_wall = self._end_s, now - seconds
        self._end_s += seconds
        if not self._marks or abs(begin_wall - self._project(self._marks[-1], begin_s)) > TOLERANCE_S:
            self._marks.append(Mark(begin_s, max(begin_wall, self._marks[-1].wall_s if self._marks else begin_wall)))
            del self._marks[:-MAX_MARKS]

    def begin(self, at_s: float, now: float) -> float:
        """Return the wall clock at the sample that begins at a position; never later than ``now``."""
        return self._wall(at_s, at_s + _HALF_A_MILLISECOND, now)

    def end(self, at_s: float, now: float) -> float:
        """Return the same for the sample that ends there: where the input paused, from before the pause."""
        return self._wall(at_s, at_s - _HALF_A_MILLISECOND, now)

    def _wall(self, at_s: float, within_s: float, now: float) -> float:
        if not self._marks:
            return now
        after = bisect_right(self._marks, within_s, key=lambda mark: mark.at_s)
        wall_s = self._project(self._marks[max(0, after - 1)], at_s)
        later = self._marks[after].wall_s if 0 < after < len(self._marks) else now
        return min(wall_s, later, now)

    @staticmethod
    def _project(mark: Mark, at_s: float) -> float:
        return mark.wall_s + at_s - mark.at_s


class Usage:
    """Seconds of audio given to servers, told in increments."""

    EVERY_S: Final = 5.0
    """Most audio that goes untold."""

    def __init__(self) -> None:
        self._used_s = 0.0
        self._told_s = 0.0

    def use(self, seconds: float) -> None:
        """Count audio, once, however often it is sent."""
        self._used_s += seconds

    def due(self) -> bool:
        """Whether it is time to tell."""
        return self._used_s - self._told_s >= self.EVERY_S

    def take(self) -> float:
        """Return what has not been told, and take it for told."""
        untold, self._told_s = self._used_s - self._told_s, self._used_s
        return untold
