"""The audio that keys have had on one day, as a value that is handed from memory to a file and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class DayAudio:
    """Audio of one day of UTC. Sums of seconds would drift, so that samples are kept, by their rate."""

    day: date
    samples: Mapping[str, Mapping[int, int]]
    """By the prefix of a key and the rate in Hz: the samples."""

    def seconds(self, prefix: str) -> float:
        """Return the audio of one key."""
        return sum(samples / rate for rate, samples in self.samples.get(prefix, {}).items())

    def __add__(self, other: "DayAudio") -> "DayAudio":
        """Return both together. They are of one day."""
        assert self.day == other.day, "audio of several days is never added up"
        both = {prefix: dict(rates) for prefix, rates in self.samples.items()}
        for prefix, rates in other.samples.items():
            mine = both.setdefault(prefix, {})
            for rate, samples in rates.items():
                mine[rate] = mine.get(rate, 0) + samples
        return DayAudio(day=self.day, samples=both)
