"""Subtitles as they were written: their text, and how they keep to the norm. Pure."""

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Any, Final, NamedTuple

from auricle.server.transcripts.weak_words import weak_words

FASTEST: Final = 20
TARGET: Final = 17
"""Characters that are read in a second: at most, and with ease."""
SHORTEST_S: Final = 0.833
LEAST_GAP_S: Final = 0.083
"""Two frames of 24 a second."""
TIMES: Final = re.compile(r"(\d+):(\d\d):(\d\d),(\d{3}) --> (\d+):(\d\d):(\d\d),(\d{3})")


class Cue(NamedTuple):
    """One cue of an SRT file; times in seconds."""

    start_s: float
    end_s: float
    lines: tuple[str, ...]

    @property
    def characters(self) -> int:
        """Length of its text."""
        return len(" ".join(self.lines))


def cues(document: str) -> list[Cue]:
    """Return the cues of an SRT document."""
    found = []
    for block in re.split(r"\n\s*\n", document.strip()):
        lines = block.splitlines()
        times = next((match for line in lines[:2] if (match := TIMES.match(line))), None)
        if times is not None:
            hours, minutes, seconds, thousandths = (times.groups()[place::4] for place in range(4))
            start_s, end_s = (
                int(hours[at]) * 3600 + int(minutes[at]) * 60 + int(seconds[at]) + int(thousandths[at]) / 1000
                for at in (0, 1)
            )
            text = lines[1 + next(at for at, line in enumerate(lines) if TIMES.match(line)) :]
            found.append(Cue(start_s, end_s, tuple(line.strip() for line in text if line.strip())))
    return found


def text_of(document: str) -> str:
    """Return what an SRT document says."""
    return " ".join(line for cue in cues(document) for line in cue.lines)


def norm(document: str) -> dict[str, Any]:
    """Return how the cues keep to the norm: counts, and the extremes."""
    drawn = [cue for cue in cues(document) if cue.lines]
    speeds = [cue.characters / max(0.001, cue.end_s - cue.start_s) for cue in drawn]
    lasting = [cue.end_s - cue.start_s for cue in drawn]
    gaps = [other.start_s - one.end_s for one, other in pairwise(drawn)]
    lines = [line for cue in drawn for line in cue.lines]
    return {
        "cues": len(drawn),
        "lines": len(lines),
        "fastest": round(max(speeds), 1),
        "median_speed": round(median(speeds), 1),
        "too_fast": sum(speed > FASTEST + 0.05 for speed in speeds),
        "over_target": sum(speed > TARGET + 0.05 for speed in speeds),
        "shortest_s": round(min(lasting), 3),
        "too_short": sum(lasts < SHORTEST_S - 0.001 for lasts in lasting),
        "least_gap_s": round(min(gaps), 3),
        "gaps_too_short": sum(gap < LEAST_GAP_S - 0.001 for gap in gaps),
        "weak_ends": _weak_ends(lines),
        "one_word": sum(len(" ".join(cue.lines).split()) == 1 for cue in drawn),
        "longest_line": max(map(len, lines)),
    }


def _weak_ends(lines: Sequence[str]) -> int:
    """Return how many lines end in an article, a preposition or the like."""
    weak = weak_words("en")
    return sum(line.split()[-1].lower() in weak for line in lines)
