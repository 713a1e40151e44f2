"""When audio is said and heard, and how to find how many sessions a machine holds. Pure: times are told."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it, without their whole part, spread evenly however many there are."""


def frame_deadline(begin_s: float, index: int, frame_s: float) -> float:
    """Return when frame ``index`` has been said, and can be sent: at its end, counted from the first one's begin.

    From the begin and not from the frame before: lateness does not add up.
    """
    return begin_s + (index + 1) * frame_s


def heard_by(position_s: float, frame_s: float) -> float:
    """Return when a server can first have heard the audio before ``position_s``: with the frame that completes it."""
    return math.ceil(round(position_s / frame_s, 6)) * frame_s


def staggered(index: int, cycle_s: float) -> float:
    """Return when session ``index`` begins, so that sessions are spread over the cycle of their speech."""
    return (index * GOLDEN % 1.0) * cycle_s


def frames(pcm: bytes, frame_bytes: int) -> Iterator[bytes]:
    """Cut audio into frames; the last one may be shorter."""
    for start in range(0, len(pcm), frame_bytes):
        yield pcm[start : start + frame_bytes]


@dataclass(slots=True)
class Search:
    """Looks for the most sessions that hold, by doubling and then by halving the gap; ``most`` is never exceeded.

    It ends where the gap is at most an eighth of what holds: trials are dear, and machines are noisy.
    """

    first: int
    most: int
    trials: int
    """How many may be made at all."""
    held: int = 0
    """The most that has held."""
    broke: int | None = None
    """The least that has not."""
    asked: list[int] = field(default_factory=list)

    def next(self) -> int | None:
        """Return how many sessions to try; None: it is decided."""
        if len(self.asked) >= self.trials or self.held >= self.most:
            return None
        if self.broke is None:
            return min(self.most, max(self.first, self.held * 2))
        if self.broke - self.held <= max(1, self.held // 8):
            return None
        return (self.held + self.broke) // 2

    def tell(self, sessions: int, *, held: bool) -> None:
        """Say how the trial went."""
        self.asked.append(sessions)
        if held:
            self.held = max(self.held, sessions)
        else:
            self.broke = sessions if self.broke is None else min(self.broke, sessions)
