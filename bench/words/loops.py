"""Loops: words that a decoder says again and again, and that nobody said. Pure."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

FEWEST = 3
"""So many times in a row make a loop: people say things twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Words that repeat: ``unit`` comes ``times`` times in a row from word ``start`` on."""

    unit: tuple[str, ...]
    times: int
    start: int

    @property
    def end(self) -> int:
        """Behind its last word."""
        return self.start + self.times * len(self.unit)


def loops(reference: Sequence[str], heard: Sequence[str], inserted: Set[int]) -> list[Run]:
    """Return the runs of what was heard that the reference repeats less often, and in which words were put in.

    ``inserted`` are the places of words that the alignment of both took for put in.
    """
    return [
        run
        for run in repetitions(heard)
        if run.times > repeats(reference, run.unit) and inserted & set(range(run.start, run.end))
    ]


def repetitions(words: Sequence[str]) -> Iterator[Run]:
    """Yield runs of at least `FEWEST` equal units, none inside another, each with its shortest unit."""
    start = 0
    while start < len(words):
        run = _run_at(words, start)
        if run is None:
            start += 1
        else:
            yield run
            start = run.end


def _run_at(words: Sequence[str], start: int) -> Run | None:
    for length in range(1, (len(words) - start) // FEWEST + 1):
        times = _times(words, start, length)
        if times >= FEWEST:
            return Run(unit=tuple(words[start : start + length]), times=times, start=start)
    return None


def _times(words: Sequence[str], start: int, length: int) -> int:
    """Return how often the ``length`` words at ``start`` come in a row."""
    unit, times = words[start : start + length], 1
    while words[start + times * length : start + (times + 1) * length] == unit:
        times += 1
    return times


def repeats(words: Sequence[str], unit: Sequence[str]) -> int:
    """Return how often ``unit`` comes in a row at most, whichever of its words it begins with."""
    most = 0
    for turn in range(len(unit)):
        turned = [*unit[turn:], *unit[:turn]]
        for start in range(len(words) - len(unit) + 1):
            if list(words[start : start + len(unit)]) == turned:
                most = max(most, _times(list(words), start, len(unit)))
    return most
