"""From positions in the audio to the wall clock: ``speech_start_time`` and ``speech_end_time``. Pure."""

from bisect import bisect_right
from typing import Final, NamedTuple

TOLERANCE_S: Final = 0.1
"""Frames arrive in bursts. Only a difference larger than this means that the input paused, or runs ahead."""
ROUNDING_S: Final = 0.0005
"""Positions in messages are rounded to milliseconds."""
MAX_ANCHORS: Final = 512
"""Anchors kept. Only the last few seconds are ever asked for."""


class Anchor(NamedTuple):
    """The sample at ``at_s`` of the audio was captured at ``wall_s`` of the wall clock."""

    at_s: float
    wall_s: float


class WallClock:
    """The wall-clock time of each position of the input, which may pause, or come faster than real time.

    ``now`` is the wall-clock time in seconds, given by the caller.
    """

    def __init__(self) -> None:
        self._anchors: list[Anchor] = []
        self._end_s = 0.0

    @property
    def started(self) -> bool:
        """Whether there has been any audio."""
        return bool(self._anchors)

    def add_audio(self, seconds: float, now: float) -> None:
        """Account for a frame of ``seconds`` that arrived ``now``: its last sample was captured then."""
        begin_s, begin_wall = self._end_s, now - seconds
        self._end_s += seconds
        if not self._anchors or abs(begin_wall - self._project(self._anchors[-1], begin_s)) > TOLERANCE_S:
            earliest = self._anchors[-1].wall_s if self._anchors else begin_wall
            self._anchors.append(Anchor(begin_s, max(begin_wall, earliest)))
            del self._anchors[:-MAX_ANCHORS]

    def time_of_start(self, at_s: float, now: float) -> float:
        """Return the wall-clock time of the sample that begins at ``at_s``; never later than ``now``."""
        return self._time_of(at_s, at_s + ROUNDING_S, now)

    def time_of_end(self, at_s: float, now: float) -> float:
        """Return the wall-clock time of the sample that ends at ``at_s``, from before a pause of the input there."""
        return self._time_of(at_s, at_s - ROUNDING_S, now)

    def _time_of(self, at_s: float, within_s: float, now: float) -> float:
        if not self._anchors:
            return now
        after = bisect_right(self._anchors, within_s, key=lambda anchor: anchor.at_s)
        wall_s = self._project(self._anchors[max(0, after - 1)], at_s)
        latest = self._anchors[after].wall_s if 0 < after < len(self._anchors) else now
        return min(wall_s, latest, now)

    @staticmethod
    def _project(anchor: Anchor, at_s: float) -> float:
        return anchor.wall_s + at_s - anchor.at_s
