"""Scripts of the scripted engines: the words with their positions, how long calls take, and which calls fail."""

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from auricle.engines.protocol import ENGINE_RATE, EngineUnavailable

NUMBERS: Final = (
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
)
WORD_S: Final = 0.4
"""Seconds that each number of `COUNTING` takes."""
WORDS_PER_UTTERANCE: Final = 5
"""Numbers between two pauses."""
PAUSE_S: Final = 1.0
"""Seconds of a pause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedWord:
    """A word, spoken from engine sample ``start`` to ``end``."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """The words in order, none beginning before the one before it ends.

    With a ``period``, in engine samples, they repeat without end; it must not be shorter than the words.
    """

    words: tuple[ScriptedWord, ...] = ()
    period: int | None = None
    name: str = "script"
    call_s: float = 0.0
    """Seconds that each call into the engine takes."""
    load_s: float = 0.0
    """Seconds that loading takes."""
    failing_utterances: frozenset[int] = frozenset()
    """Numbers of the utterances that fail as they begin, counted from 0 over all sessions of the engine."""
    failing_calls: frozenset[int] = frozenset()
    """Numbers of the calls that fail, counted in the same way."""
    load_failure: str | None = None
    """Why the engine cannot be loaded, in one sentence; None when it can."""

    def words_within(self, begin: int, end: int) -> Iterator[ScriptedWord]:
        """Yield the words that overlap the engine samples from ``begin`` to ``end``."""
        if self.period is None:
            yield from self._overlapping(begin, end, shift=0)
            return
        for repetition in range(begin // self.period, (end - 1) // self.period + 1):
            yield from self._overlapping(begin, end, shift=repetition * self.period)

    def words_ended_within(self, begin: int, end: int) -> Sequence[ScriptedWord]:
        """Return the words that end after ``begin`` and not after ``end``."""
        return [word for word in self.words_within(begin, end) if word.end <= end]

    def _overlapping(self, begin: int, end: int, *, shift: int) -> Iterator[ScriptedWord]:
        first = bisect_right(self.words, begin - shift, key=lambda word: word.end)
        for word in self.words[first:]:
            if word.start + shift >= end:
                return
            yield ScriptedWord(text=word.text, start=word.start + shift, end=word.end + shift)


def _counting() -> Script:
    word, pause = round(WORD_S * ENGINE_RATE), round(PAUSE_S * ENGINE_RATE)
    words: list[ScriptedWord] = []
    at = 0
    for number, text in enumerate(NUMBERS, start=1):
        words.append(ScriptedWord(text=text, start=at, end=at + word))
        at += word + (pause if number % WORDS_PER_UTTERANCE == 0 else 0)
    return Script(words=tuple(words), period=at, name="counting")


COUNTING: Final = _counting()
"""Counts from one to twenty without end, with a pause of `PAUSE_S` after every five numbers."""


def read_script(path: Path) -> Script:
    """Read a script from JSON: ``{"words": [{"text", "start", "end"}, …], "period", "call_s", …}``, times in seconds.

    Raises `EngineUnavailable` when the file cannot be read as a script.
    """
    try:
        return _script_of(json.loads(path.read_text(encoding="utf-8")), path.stem)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise EngineUnavailable(f"{path} cannot be read as a script: {error!r}.") from error


def _script_of(content: Mapping[str, object], name: str) -> Script:
    words = content["words"]
    period = content.get("period")
    if not isinstance(words, list):
        raise TypeError("words must be a list")
    return Script(
        words=tuple(
            ScriptedWord(text=str(word["text"]), start=_samples(word["start"]), end=_samples(word["end"]))
            for word in words
        ),
        period=None if period is None else _samples(period),
        name=name,
        call_s=_number(content.get("call_s", 0.0)),
        load_s=_number(content.get("load_s", 0.0)),
        failing_utterances=_numbers(content.get("failing_utterances", [])),
        failing_calls=_numbers(content.get("failing_calls", [])),
    )


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return float(value)


def _samples(seconds: object) -> int:
    return round(_number(seconds) * ENGINE_RATE)


def _numbers(value: object) -> frozenset[int]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list of numbers")
    return frozenset(int(_number(item)) for item in value)
