"""Tests of a hypothesis for Whisper's known failures: runaway repetition, words that nobody said, silence written down.

A guard never removes speech. It marks a hypothesis as doubtful, so that the window is decoded again, or it cuts words
that have no duration in the alignment. Sources: notes/real-weights.md §2 B-F; notes/streaming-whisper.md §1.4, whose
rule that any third repetition is a loop is wrong: people do say a phrase three times and go on.
"""

import zlib
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from auricle.engines.policy.agreement import bare
from auricle.engines.protocol import TimedWord

FIRST_TOKENS: Final = 20
"""Tokens that any window may have …"""
TOKENS_A_SECOND: Final = 15
"""… and as many more for each second of it: a decoder that runs on is stopped. Languages that Whisper spells in
bytes need most of it."""
MOST_TOKENS: Final = 220
"""Half of the decoder's room; the other half is for the prompt."""
REPEATS: Final = 3
LOOP_TOKENS: Final = 8
"""A unit that is repeated so often, and so many tokens in all, up to the last token, is a runaway."""
COMPRESSIBLE: Final = 2.4
"""Text of `COMPRESSED_LETTERS` or more that zlib makes this much shorter may be a loop (faster-whisper's threshold)."""
COMPRESSED_LETTERS: Final = 30
NO_SPEECH: Final = 0.6
IMPROBABLE: Final = -1.0
"""Mean log-probability of a token below which plain faster-whisper decodes again. Together with `NO_SPEECH`: nobody
spoke."""
SURE_NO_SPEECH: Final = 0.8
DOUBTED: Final = -0.6
"""Where the model is surer still that nobody spoke, text above `IMPROBABLE` is none either: "Thank you." over a guitar
has 0.93 and -0.9. Of 1 700 windows of speech none had more than 0.7."""
UNSPOKEN_S: Final = 0.045
"""A word shorter than this has no duration: the alignment moves by 20 ms. Spoken words last 60 ms and more."""
UNSPOKEN_WORDS: Final = 3
"""So many words without duration in a row were not spoken; one or two are a matter of a coarse alignment."""
LONGEST_UNIT: Final = 4
"""Words of a phrase that people say again and again."""
WORDS_A_SECOND: Final = 7.0
"""Nobody says more words in a second of voice …"""
SPARE_WORDS: Final = 3
"""… beyond the first few, for the voice detector misses soft ones."""

LONGEST_WORD_S: Final = 1.4
"""Voice that the alignment gives to one word: more, and words were left out in front of it, as of "hello, hello, hello,
can you hear me". The longest of 3 000 spoken words had 1.2 s …"""
LONGEST_UNSURE_WORD_S: Final = 0.9
"""… and the longest of those less probable than …"""
UNSURE: Final = 0.5
"""… this had 0.6 s."""


Spans = Sequence[tuple[float, float]]
"""Where there is a voice, in seconds from the begin of the window."""


def token_budget(seconds: float) -> int:
    """Return how many tokens a window with so many seconds of audio may have."""
    return min(MOST_TOKENS, FIRST_TOKENS + round(TOKENS_A_SECOND * seconds))


def runaway_start(tokens: Sequence[int]) -> int | None:
    """Return where a repetition that lasts to the end of ``tokens`` takes its second turn; None where there is none.

    The unit may have any length, and the last turn may be cut short by the token budget.
    """
    for size in range(1, len(tokens) // REPEATS + 1):
        same = 0
        while same < len(tokens) - size and tokens[-1 - same] == tokens[-1 - same - size]:
            same += 1
        if same + size >= max(size * REPEATS, LOOP_TOKENS):
            return len(tokens) - same
    return None


def is_compressible(text: str) -> bool:
    """Whether a text says the same again and again."""
    data = text.encode()
    return len(text) >= COMPRESSED_LETTERS and len(data) / len(zlib.compress(data)) > COMPRESSIBLE


def is_no_speech(no_speech: float, mean_logprob: float) -> bool:
    """Whether the model itself gives it that nobody spoke."""
    return mean_logprob < (DOUBTED if no_speech > SURE_NO_SPEECH else IMPROBABLE) and no_speech > NO_SPEECH


def durations(words: Sequence[TimedWord], voiced: Spans) -> list[float]:
    """Return how many seconds each word lasts.

    Of a repeated phrase that is the voice up to the next word, where that is more: what the decoder looks at while it
    writes the comma of "no, no, no" is as often as not the turn before it.
    """
    own = [word.end_s - word.start_s for word in words]
    if all(map(_is_lasting, own)):
        return own
    for place in repeated_words([word.text for word in words]):
        if place + 1 < len(words):
            own[place] = max(own[place], voiced_between(voiced, words[place].start_s, words[place + 1].start_s))
    return own


def unspoken_runs(lasting_s: Sequence[float]) -> list[range]:
    """Return the places of words that were not spoken: `UNSPOKEN_WORDS` or more in a row have no duration."""
    runs = [
        list(run)
        for lasts, run in groupby(range(len(lasting_s)), key=lambda place: _is_lasting(lasting_s[place]))
        if not lasts
    ]
    return [range(run[0], run[-1] + 1) for run in runs if len(run) >= UNSPOKEN_WORDS]


def spoken_words(words: Sequence[TimedWord], lasting_s: Sequence[float], runs: Sequence[range]) -> Sequence[TimedWord]:
    """Return the words that were spoken: up to the first of the `unspoken_runs` behind which nobody goes on.

    As many words in a row that have a duration are somebody who goes on. A run in front of them loses what it repeats,
    and nothing else: "look, look, look, that is all", where the alignment gave the turns to the last of them.
    """
    if not runs:
        return words
    certain = _last_certain(lasting_s)
    behind = next((run.start for run in runs if run.start > certain), len(words))
    repeated = repeated_words([word.text for word in words])
    dropped = repeated & {place for run in runs if run.start <= certain for place in run}
    return [word for place, word in enumerate(words[:behind]) if place not in dropped]


def _last_certain(lasting_s: Sequence[float]) -> int:
    """Return the place of the last word that ends `UNSPOKEN_WORDS` in a row with a duration; -1 where there is none."""
    in_a_row, last = 0, -1
    for place, lasts_s in enumerate(lasting_s):
        in_a_row = in_a_row + 1 if _is_lasting(lasts_s) else 0
        last = place if in_a_row >= UNSPOKEN_WORDS else last
    return last


def _is_lasting(seconds: float) -> bool:
    return seconds >= UNSPOKEN_S


def repeated_words(words: Sequence[str]) -> set[int]:
    """Return which words belong to a phrase that is said `REPEATS` times in a row or more.

    A phrase has up to `LONGEST_UNIT` words; case and punctuation do not count.
    """
    said = [bare(word) for word in words]
    found: set[int] = set()
    for size in range(1, LONGEST_UNIT + 1):
        begin = 0
        for place in range(size, len(said) + 1):
            if place < len(said) and said[place] == said[place - size]:
                continue
            if place - begin >= size * REPEATS:
                found.update(range(begin, place))
            begin = place - size + 1
    return found


def spoken_turns(words: Sequence[TimedWord], voiced: Spans) -> list[TimedWord]:
    """Return the words without those of repeated phrases that have no duration."""
    repeated = repeated_words([word.text for word in words])
    lasting_s = durations(words, voiced)
    return [word for place, word in enumerate(words) if place not in repeated or _is_lasting(lasting_s[place])]


def has_unspoken_turns(words: Sequence[TimedWord]) -> bool:
    """Whether a phrase is said again and again, and some of its words have no duration: it may be counted wrong."""
    return len(spoken_turns(words, ())) < len(words)


def voiced_between(voiced: Spans, begin_s: float, end_s: float) -> float:
    """Return how many seconds of voice lie between two positions in the window."""
    return sum(max(0.0, min(end, end_s) - max(begin, begin_s)) for begin, end in voiced)


def is_too_long(voiced_s: float, probability: float | None) -> bool:
    """Whether one word of that probability cannot be all that was said in ``voiced_s`` seconds of voice."""
    return voiced_s > (LONGEST_UNSURE_WORD_S if (probability or 0.0) < UNSURE else LONGEST_WORD_S)


def is_too_dense(words: int, voiced_s: float) -> bool:
    """Whether ``voiced_s`` seconds of voice cannot hold so many words."""
    return words > SPARE_WORDS + WORDS_A_SECOND * voiced_s
