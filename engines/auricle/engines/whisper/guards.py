"""When a decode is not to be believed. Source: notes/streaming-whisper.md §1.4.

Whisper's failures are loud: it repeats itself until it is stopped, or writes a sentence into noise. What is caught here
is decoded again with more silence behind it, and then less greedily; a partial is just not shown.
"""

import zlib
from collections.abc import Sequence
from typing import Final

FIRST_TOKENS: Final = 20
"""Tokens that any window may have …"""
TOKENS_A_SECOND: Final = 15
"""… and as many more for each second of it: a decoder that runs on is stopped. Languages that Whisper spells in
bytes need most of it."""
MOST_TOKENS: Final = 220
"""Half of the decoder's room; the other half is for the prompt."""
LONGEST_NGRAM: Final = 4
REPEATS: Final = 3
LOOP_TOKENS: Final = 8
"""The same one to four tokens, so many times in a row and so many tokens long, are a loop. People do say a digit four
times in a row."""
COMPRESSIBLE: Final = 2.4
"""Text of `COMPRESSED_LETTERS` or more that zlib makes this much shorter is a loop of a longer kind."""
COMPRESSED_LETTERS: Final = 30
NO_SPEECH: Final = 0.6
UNSURE: Final = -1.0
"""Above the first and below the second (mean log-probability of a token), there was nothing to hear."""


def token_budget(seconds: float) -> int:
    """Return how many tokens a window with so much audio may have."""
    return min(MOST_TOKENS, FIRST_TOKENS + round(TOKENS_A_SECOND * seconds))


def loop_start(tokens: Sequence[int]) -> int | None:
    """Return where a loop of one to four tokens takes its third turn; None where there is none."""
    starts = [start for size in range(1, LONGEST_NGRAM + 1) if (start := _third_turn(tokens, size)) is not None]
    return min(starts, default=None)


def _third_turn(tokens: Sequence[int], size: int) -> int | None:
    repeats = max(REPEATS, -(-LOOP_TOKENS // size))
    for start in range(len(tokens) - size * repeats + 1):
        unit = list(tokens[start : start + size])
        if list(tokens[start : start + size * repeats]) == unit * repeats:
            return start + 2 * size
    return None


def is_compressible(text: str) -> bool:
    """Whether a text says the same again and again."""
    data = text.encode()
    return len(text) >= COMPRESSED_LETTERS and len(data) / len(zlib.compress(data)) > COMPRESSIBLE


def is_no_speech(no_speech: float, mean_logprob: float) -> bool:
    """Whether the model itself believes that nobody spoke."""
    return no_speech > NO_SPEECH and mean_logprob < UNSURE
