"""How far the transcription of one recording is, and what that says about the rest of it."""

from typing import Final, NamedTuple

from auricle.server.printable import printable

SETTLED_S: Final = 2.0
"""Seconds before which a speed says nothing."""


class Progress(NamedTuple):
    """The state of one recording. Times are seconds."""

    name: str
    number: int
    """Its number among `total` recordings, from 1."""
    total: int
    duration_s: float | None
    """None where it is unknown before the end (a pipe)."""
    sent_s: float
    committed_s: float
    elapsed_s: float

    @property
    def title(self) -> str:
        """The recording, and its number where there are several."""
        place = "" if self.total == 1 else f" ({self.number} of {self.total})"
        return f"{printable(self.name)}{place}"

    @property
    def percent(self) -> int | None:
        """How much of the audio is committed."""
        if not self.duration_s:
            return None
        return int(100 * min(1.0, self.committed_s / self.duration_s))

    @property
    def speed(self) -> float | None:
        """Seconds of audio for each second that has passed; None before that says anything."""
        if self.elapsed_s < SETTLED_S or self.committed_s <= 0:
            return None
        return self.committed_s / self.elapsed_s

    @property
    def remaining_s(self) -> float | None:
        """Seconds that the rest will take at this speed."""
        if self.speed is None or self.duration_s is None:
            return None
        return max(0.0, self.duration_s - self.committed_s) / self.speed

    def facts(self) -> list[str]:
        """Return what is known, the most important first: percent, seconds, speed, time left, time passed."""
        facts = [] if self.percent is None else [f"{self.percent} %"]
        facts.append(f"{self.committed_s:.1f}" + (f" of {self.duration_s:.1f} s" if self.duration_s else " s"))
        if self.speed is not None:
            facts.append(f"{self.speed:.1f} x real time")
        if self.remaining_s is not None:
            facts.append(f"{clock_time(self.remaining_s)} left")
        if self.elapsed_s >= SETTLED_S:
            facts.append(f"{clock_time(self.elapsed_s)} passed")
        return facts

    def line(self) -> str:
        """Return all of it as one line of text."""
        return f"{self.title}: {', '.join(self.facts())}"


def clock_time(seconds: float) -> str:
    """Return ``m:ss``, or ``h:mm:ss``."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
