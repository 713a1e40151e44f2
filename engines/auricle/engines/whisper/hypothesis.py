"""What the decoder made of one window: tokens, words, probability, and what speaks against it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from math import exp, log
from typing import Final

import ctranslate2
from faster_whisper.tokenizer import Tokenizer

from auricle.engines.protocol import ENGINE_RATE, TimedWord, Transcript, Window
from auricle.engines.whisper.batches import Batch, Job
from auricle.engines.whisper.guards import (
    IMPROBABLE,
    durations,
    has_unspoken_turns,
    is_compressible,
    is_no_speech,
    is_too_dense,
    is_too_long,
    runaway_start,
    spoken_turns,
    spoken_words,
    unspoken_runs,
    voiced_between,
)

UNCOVERED_S: Final = 1.0
"""Seconds of voice before, between or behind words that must not go without any."""
LEAST_PROBABILITY: Final = 1e-4
"""Of a word, in the mean of logarithms."""


class Doubt(Enum):
    """Why a hypothesis is not believed at once."""

    RUNAWAY = "a repetition lasts to its end"
    UNFINISHED = "it fills the token budget"
    COMPRESSIBLE = "it says the same again and again"
    IMPROBABLE = "its tokens are improbable"
    UNSPOKEN = "words of it have no duration"
    TOO_DENSE = "the voice cannot hold so many words"
    UNCOVERED = "voice outside its words has none"
    MISCOUNTED = "a phrase is said again and again, and some of its words have no duration"
    TOO_SPARSE = "one of its words takes more voice than any word has"


REPEATED: Final = frozenset({Doubt.RUNAWAY, Doubt.COMPRESSIBLE, Doubt.MISCOUNTED})
"""Doubts with one cause: the same is said again and again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """The transcript of one window, before anybody believes it."""

    tokens: tuple[int, ...]
    """Of the text: without timestamps and other special tokens."""
    text: str
    words: tuple[TimedWord, ...]
    """Empty where the window is not to be timed."""
    mean_logprob: float
    no_speech: float
    doubts: frozenset[Doubt]
    batch: Batch
    row: int
    tries: int = 1
    """How often the window was decoded before this was chosen."""

    @property
    def job(self) -> Job:
        """The window it is of."""
        return self.batch.jobs[self.row]

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the language that it was decoded in."""
        return self.batch.tokenizers[self.row]

    @property
    def rank(self) -> tuple[int, float]:
        """Which of several hypotheses of one window is told: the one with the greatest rank."""
        return -len(self.doubts - REPEATED) - bool(self.doubts & REPEATED), self.mean_logprob

    def transcript(self) -> Transcript:
        """Return it as the engine tells it: nothing of a partial that is not believed."""
        told = bool(self.text) and (self.job.window.final or not self.doubts)
        return Transcript(
            text=self.text if told else "",
            words=self.words if told else (),
            confidence=min(1.0, exp(self.mean_logprob)) if told else 0.0,
            language=self.tokenizer.language_code,
            avg_logprob=self.mean_logprob,
            no_speech_prob=self.no_speech,
            tries=self.tries,
            believed=not self.doubts,
        )


def hypothesis(batch: Batch, row: int, result: ctranslate2.models.WhisperGenerationResult, budget: int) -> Hypothesis:
    """Return what was generated for one row of a batch; ``budget`` is how many tokens it could have."""
    tokenizer = batch.tokenizers[row]
    generated = result.sequences_ids[0]
    tokens = tuple(token for token in generated if token < tokenizer.eot)
    text = tokenizer.decode(list(tokens)).strip()
    # CTranslate2 divides by the tokens without the end that follows them.
    mean_logprob = float(result.scores[0]) * len(generated) / (len(generated) + 1)
    silent = is_no_speech(result.no_speech_prob, mean_logprob)
    return Hypothesis(
        tokens=() if silent else tokens,
        text="" if silent else text,
        words=(),
        mean_logprob=mean_logprob,
        no_speech=float(result.no_speech_prob),
        doubts=frozenset() if silent else _token_doubts(tokens, text, len(generated) >= budget, mean_logprob),
        batch=batch,
        row=row,
    )


def _token_doubts(tokens: Sequence[int], text: str, full: bool, mean_logprob: float) -> frozenset[Doubt]:  # noqa: FBT001
    tests = {
        Doubt.RUNAWAY: runaway_start(tokens) is not None,
        Doubt.UNFINISHED: full,
        Doubt.COMPRESSIBLE: is_compressible(text),
        Doubt.IMPROBABLE: bool(tokens) and mean_logprob < IMPROBABLE,
    }
    return frozenset(doubt for doubt, applies in tests.items() if applies)


def with_words(heard: Hypothesis, words: Sequence[TimedWord]) -> Hypothesis:
    """Return the hypothesis with its aligned words, without those that nobody said.

    What the alignment speaks against is a doubt. The text is that of the words.
    """
    window = heard.job.window
    lasting_s = durations(words, window.voiced or ())
    unspoken = unspoken_runs(lasting_s)
    spoken = spoken_words(words, lasting_s, unspoken)
    cut = len(spoken) < len(words)
    doubts = set(heard.doubts)
    if unspoken:
        doubts.add(Doubt.UNSPOKEN)
    if window.voiced is not None and is_too_dense(len(spoken), sum(end - begin for begin, end in window.voiced)):
        doubts.add(Doubt.TOO_DENSE)
    if window.told_after is not None:
        voiced = window.voiced or ()
        spoken = spoken[first_told(spoken, window.told_after, voiced) :]
        words = words[first_told(words, window.told_after, voiced) :]
        cut = True
    # A partial may want words in its middle: the next one has them, or the final.
    if any(window.final or place == len(spoken) for place, _, _ in uncovered(spoken, window)):
        doubts.add(Doubt.UNCOVERED)
    if window.final and has_unspoken_turns(words):
        doubts.add(Doubt.MISCOUNTED)
    if any(is_too_long(voiced_of(word, window), word.confidence) for word in spoken):
        doubts.add(Doubt.TOO_SPARSE)
    return replace(
        heard,
        words=tuple(spoken),
        text=text_of(spoken, heard.tokenizer.language_code),
        mean_logprob=_mean_logprob(spoken) if cut and spoken else heard.mean_logprob,
        doubts=frozenset(doubts),
    )


def recounted(heard: Hypothesis) -> Hypothesis:
    """Return a hypothesis that says the same again and again, in whatever window, with the turns that have a duration.

    Of nine spoken "hello" twelve were heard, three of them without any.
    """
    if not heard.doubts >= {Doubt.COMPRESSIBLE, Doubt.MISCOUNTED}:
        return heard
    words = tuple(spoken_turns(heard.words, heard.job.window.voiced or ()))
    return replace(heard, words=words, text=text_of(words, heard.tokenizer.language_code))


EARLY_S: Final = 0.05
"""Alignments tell words so much too early, at the median. Source: docs/bench-words.md, "word start"."""


def first_told(
    words: Sequence[TimedWord], pause: tuple[float, float], voiced: Sequence[tuple[float, float]] = ()
) -> int:
    """Return the first word behind a pause: words are parted where the least voice comes to stand on the wrong side.

    Alignments lead from word to word without a gap, so that one of the two at a pause has all of it, or nearly, and
    begins before it ("what your country") or ends behind it ("for you, ask"): its voice tells which. Of several
    borders, and where the voice is not known, the one nearest to the pause is taken, and nearest to its middle.
    """
    begin_s, end_s = pause
    heard = [(word.start_s + EARLY_S, word.end_s + EARLY_S) for word in words]
    before = [voiced_between(voiced, start_s, min(stop_s, begin_s)) for start_s, stop_s in heard]
    behind = [voiced_between(voiced, max(start_s, begin_s), stop_s) for start_s, stop_s in heard]
    ends = [word.end_s for word in words]
    starts = [word.start_s for word in words]
    borders = list(zip([*starts[:1], *ends], [*starts, *ends[-1:]], strict=True)) or [(0.0, 0.0)]

    def distance(place: int) -> tuple[float, float, float]:
        first_s, last_s = borders[place]
        misplaced_s = sum(behind[:place]) + sum(before[place:])
        middle_s = (first_s + last_s) / 2
        return round(misplaced_s, 3), max(begin_s - last_s, first_s - end_s, 0.0), abs(middle_s - (begin_s + end_s) / 2)

    return min(range(len(borders)), key=distance)


def uncovered(words: Sequence[TimedWord], window: Window) -> list[tuple[int, float, float]]:
    """Return what is told of a window and has voice, and no words: before, between or behind them.

    Each is the index of the word in front of which it lies, its begin and its end in seconds of the window.
    """
    begins_s = [told_from_s(window), *(word.end_s for word in words)]
    ends_s = [*(word.start_s for word in words), len(window.audio) / ENGINE_RATE]
    return [
        (place, begin_s, end_s)
        for place, (begin_s, end_s) in enumerate(zip(begins_s, ends_s, strict=True))
        if voiced_between(window.voiced or (), begin_s, end_s) >= UNCOVERED_S
    ]


def told_from_s(window: Window) -> float:
    """Return where that begins which is told of a window, in seconds: behind what is only context."""
    return 0.0 if window.told_after is None else window.told_after[1]


def voiced_of(word: TimedWord, window: Window) -> float:
    """Return how many seconds of voice a word takes of what is told of the window; 0 where the voice is not known."""
    return voiced_between(window.voiced or (), max(word.start_s, told_from_s(window)), word.end_s)


def text_of(words: Sequence[TimedWord], language: str) -> str:
    """Return the text that the words make; languages without spaces have none between words."""
    return ("" if language in UNSPACED else " ").join(word.text for word in words)


UNSPACED: Final = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Languages that Whisper writes without spaces (faster-whisper's list)."""


def _mean_logprob(words: Sequence[TimedWord]) -> float:
    """Return about the mean log-probability of a token, from those of the words."""
    return sum(log(max(word.confidence or 0.0, LEAST_PROBABILITY)) for word in words) / len(words)
