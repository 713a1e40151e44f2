"""The same clips again and again: whether a column tells the same finals every time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from words.heard import Heard, Hearing
from words.samples import Sample
from words.systems import System

Finals = tuple[tuple[str, tuple[tuple[str, float, float], ...]], ...]
"""The text of each final, and its words with their times."""


def repeated(system: System, samples: Sequence[Sample], times: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """Let a system hear all clips so many times; return the clips whose finals were not the same each time."""
    hearings = [finals_of(system.hear(samples, tell)) for _ in range(times)]
    first = hearings[0]
    differing = sorted(clip for clip in first if any(other[clip] != first[clip] for other in hearings[1:]))
    return {"times": times, "clips": len(samples), "differing": differing}


def finals_of(hearing: Hearing) -> Mapping[str, Finals]:
    """Return what every clip's finals said. Partials may differ: when they come depends on what a decode takes."""
    return {one.clip: _finals(one) for one in hearing.heard}


def _finals(heard: Heard) -> Finals:
    return tuple(
        (told.text, tuple((word.text, word.start_s, word.end_s) for word in told.words)) for told in heard.finals
    )
