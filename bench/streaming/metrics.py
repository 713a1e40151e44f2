"""The arithmetic: percentiles, words that were changed, lost or late. Pure; nothing here knows a clock or a model."""

import math
import re
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

import jiwer
from normal import Errors, align, normal

Summary = dict[str, Any]
"""``n, p50, p95, most`` of some values; numbers are None where there are no values."""
NOT_IN_WORDS = re.compile(r"[^\w']+")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of them do not exceed (nearest rank: never an invented one)."""
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def summary(values: Iterable[float]) -> Summary:
    """Return what a results file says of some values."""
    known = list(values)
    if not known:
        return {"n": 0, "p50": None, "p95": None, "most": None}
    return {
        "n": len(known),
        "p50": round(percentile(known, 0.5), 4),
        "p95": round(percentile(known, 0.95), 4),
        "most": round(max(known), 4),
    }


def words_of(text: str) -> list[str]:
    """Return the words as they are compared: lower case, no punctuation, compounds apart."""
    bare = (word.strip("'") for word in NOT_IN_WORDS.sub(" ", text.lower().replace("’", "'")).split())
    return [word for word in bare if word]


def edits(reference: Sequence[str], heard: Sequence[str]) -> tuple[int, int, int]:
    """Return how many words were substituted, left out and put in."""
    if not reference:
        return 0, 0, len(heard)
    if not heard:
        return 0, len(reference), 0
    result = jiwer.process_words(" ".join(reference), " ".join(heard))
    return result.substitutions, result.deletions, result.insertions


def word_error_rate(pairs: Iterable[tuple[str, str]], language: str) -> float:
    """Return the errors of (reference, heard) pairs, all together, for each word of the references."""
    found = sum((align(normal(said, language), normal(heard, language)).errors for said, heard in pairs), Errors())
    return found.rate or 0.0


def left_out(expected: str, heard: str) -> int:
    """Return how many words of ``expected`` have nothing in their place in ``heard``."""
    return edits(words_of(expected), words_of(heard))[1]


def ratio(value: float, base: float) -> float | None:
    """Return how many times ``base`` it is: 1 where both are zero, None where only ``base`` is."""
    if base:
        return value / base
    return None if value else 1.0


def common_prefix(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many words both begin with."""
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return index
    return min(len(one), len(other))


def changed_words(texts: Iterable[str]) -> int:
    """Return how many shown words were taken back or changed from one text of an utterance to the next."""
    changed, shown = 0, list[str]()
    for text in texts:
        following = words_of(text)
        changed += len(shown) - common_prefix(shown, following)
        shown = following
    return changed


def commit_times(partials: Sequence[tuple[float, int]], final_s: float, words: int) -> list[float]:
    """Return when each word of an utterance was promised.

    ``partials`` are (when, promised words) in order; what no partial promised, the final did.
    """
    times: list[float] = []
    for said_s, promised in partials:
        times += [said_s] * (min(promised, words) - len(times))
    return times + [final_s] * (words - len(times))


def unfairness(sessions: Sequence[Sequence[float]]) -> float | None:
    """Return how many times the median session's delay the worst session's is; a session's delay is its median."""
    delays = [median(session) for session in sessions if session]
    return max(delays) / median(delays) if delays and median(delays) > 0 else None
