"""The stable prefix: which words of a hypothesis are committed, and how a final keeps what was promised of them (O5).

A word is committed when all hypotheses of the last second agree on it and on all before it, when it ended a while
before the end of the audio, and when it is probable (LocalAgreement with a hold; notes/streaming-whisper.md §1.2).
Committed words are promised. On tiny.en, 148 utterances, agreement of two hypotheses in a row promised 65 % of the
words and broke 34 promises; a second of agreement, a hold and a probability promise 45 % and break 4.

The words of a final are those of its decode. Where a promise says otherwise, the two are aligned by edits: the promised
words stay, each with the time of its counterpart, and the decode goes on behind them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from auricle.engines.policy.agreement import agreed, counterparts, heard_again
from auricle.engines.policy.state import Asked, Recent, Rules, Utterance
from auricle.engines.protocol import ENGINE_RATE, TimedWord, Transcript

LONGEST_WINDOW: Final = 8 * ENGINE_RATE
"""At this length words are committed that nothing agrees on, but for the last …"""
FORCED_HOLD: Final = 2 * ENGINE_RATE
"""… so many samples."""
AGREEMENT: Final = ENGINE_RATE
"""Engine samples of speech over which hypotheses must agree on a word."""
HOLD: Final = round(0.5 * ENGINE_RATE)
"""Words that end later than this before the end of a window may be cut, and are not committed."""
PROBABLE: Final = 0.6
"""Words less probable than this are not committed, nor any behind them: where a final said something else than was
promised, the word had been improbable in nine cases of ten."""
CONTEXT_WORDS: Final = 12
"""Committed words that go along as text: more of them cost time, and invite loops."""


class WindowWord(NamedTuple):
    """A word of the window, and where it begins and ends in it; None where it has no time."""

    text: str
    begin: int | None = None
    end: int | None = None
    confidence: float | None = None


def _words(known: Sequence[str], earlier: Sequence[str], transcript: Transcript) -> list[WindowWord]:
    """Return the words of the window: the known ones as they were told, and what was heard behind them."""
    heard = transcript.text.split()
    times = transcript.words if len(transcript.words) == len(heard) else ()
    matches, covered = counterparts(known, heard, earlier)
    places = [*zip(known, matches, strict=True), *((heard[place], place) for place in range(covered, len(heard)))]
    return [
        WindowWord(text) if place is None or not times else _window_word(text, times[place]) for text, place in places
    ]


def _window_word(text: str, word: TimedWord) -> WindowWord:
    return WindowWord(text, round(word.start_s * ENGINE_RATE), round(word.end_s * ENGINE_RATE), word.confidence)


def commit(
    rules: Rules, utterance: Utterance, asked: Asked, transcript: Transcript
) -> tuple[Utterance, list[WindowWord]]:
    """Return the utterance with what is agreed on, and the words of the window: committed ones as they were."""
    before = utterance.committed[: utterance.trimmed]
    known = utterance.committed[utterance.trimmed :]
    earlier = before[-CONTEXT_WORDS:]
    words = _words(known, earlier, transcript)
    texts = [word.text for word in words]
    # Where what is known was not heard again it is not sure which word is the next.
    recent = (*utterance.recent, Recent(end=asked.end, words=tuple(texts)))
    count = _agreed_for_long(recent) if heard_again(known, transcript.text.split(), earlier) else 0
    count = min(count, _held(asked, words))
    if asked.end - asked.start >= _longest_window(rules):
        count = max(count, _ended_before(words, asked.end - asked.start - FORCED_HOLD))
    if utterance.may_be_cut_at(rules, asked.end):
        # What lies behind the cut belongs to the next utterance, and must not be promised in this one.
        count = 0
    utterance = utterance._replace(recent=_needed(recent))
    if count <= len(known):
        return utterance, words
    return utterance._replace(committed=(*before, *texts[:count]), promised_until=asked.end), words


def _needed(recent: tuple[Recent, ...]) -> tuple[Recent, ...]:
    """Return the hypotheses that the next one is compared with: the last second's, and the one before."""
    old = [place for place, one in enumerate(recent) if recent[-1].end - one.end >= AGREEMENT]
    return recent[old[-1] if old else 0 :]


def _agreed_for_long(recent: tuple[Recent, ...]) -> int:
    """Return how many words every hypothesis begins with, where the oldest is old enough."""
    compared = _needed(recent)
    newest = compared[-1]
    if newest.end - compared[0].end < AGREEMENT:
        return 0
    return min(agreed(older.words, newest.words) for older in compared[:-1])


def _held(asked: Asked, words: Sequence[WindowWord]) -> int:
    """Return how many words may be committed: not the last, none that ends too near the end, none improbable."""
    sure = [word.confidence is None or word.confidence >= PROBABLE for word in words]
    held = min(len(words) - 1, sure.index(False) if False in sure else len(words))
    timed = any(word.end is not None for word in words)
    return min(held, _ended_before(words, asked.end - asked.start - HOLD)) if timed else held


def _ended_before(words: Sequence[WindowWord], position: int) -> int:
    """Return how many words there are up to the last that ends by ``position`` in the window."""
    return max(
        (place + 1 for place, word in enumerate(words) if word.end is not None and word.end <= position), default=0
    )


def _longest_window(rules: Rules) -> int:
    """Return at which length words are committed that nothing agrees on."""
    return max(LONGEST_WINDOW, 2 * rules.shortest_window)


def with_stable_prefix(transcript: Transcript, promised: Sequence[str]) -> Transcript:
    """Return the transcript beginning with the promised words; text and words stay one thing."""
    heard = transcript.text.split()
    if not promised or heard[: len(promised)] == list(promised):
        return transcript
    matches, covered = counterparts(promised, heard)
    text = " ".join((*promised, *heard[covered:]))
    if len(transcript.words) != len(heard):
        return replace(transcript, text=text, words=())
    return replace(
        transcript, text=text, words=(*_timed(promised, matches, transcript.words), *transcript.words[covered:])
    )


def _timed(promised: Sequence[str], matches: Sequence[int | None], words: Sequence[TimedWord]) -> tuple[TimedWord, ...]:
    """Return the promised words with the times of their counterparts; without one, at the end of the word before."""
    timed: list[TimedWord] = []
    for word, match in zip(promised, matches, strict=True):
        if match is not None:
            timed.append(replace(words[match], text=word))
            continue
        at_s = timed[-1].end_s if timed else (words[0].start_s if words else 0.0)
        timed.append(TimedWord(text=word, start_s=at_s, end_s=at_s))
    return tuple(timed)
