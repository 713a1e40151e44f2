"""The words of finals as timed pieces, out of which subtitles are put together."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from rich.cells import cell_len, chop_cells

from auricle.core import messages, parts
from auricle.server.printable import printable

LINE_COLUMNS: Final = 42
"""Columns of a line of subtitles. A Chinese, Japanese or Korean character takes two."""


class Piece(NamedTuple):
    """A word with the space before it and the punctuation after it. Times are milliseconds."""

    text: str
    start: int
    end: int


def all_pieces(finals: Iterable[messages.Final]) -> list[Piece]:
    """Return the pieces of finals in the order of time; each final begins with a space."""
    found: list[Piece] = []
    for final in sorted(finals, key=lambda final: final.start):
        for number, piece in enumerate(pieces(final)):
            found.append(piece._replace(text=f" {piece.text.lstrip()}") if number == 0 else piece)
    return found


def pieces(final: messages.Final) -> list[Piece]:
    """Return the text of ``final`` as timed pieces, whose concatenation is that text on one line.

    The times of the words are used where the words spell the text; otherwise time is divided by text length.
    """
    text = " ".join(printable(final.text).split())
    timed = _by_words(text, final.words or ()) or _by_length(text, final)
    return [part for piece in timed for part in _chopped(piece)]


def _by_words(text: str, words: Sequence[parts.Word]) -> list[Piece]:
    """Locate each word in ``text``, in order; return an empty list when one is missing."""
    spoken = [word for word in words if printable(word.text).strip()]
    ends: list[int] = []
    for word in spoken:
        spelling = " ".join(printable(word.text).split())
        found = text.find(spelling, ends[-1] if ends else 0)
        if found < 0:
            return []
        ends.append(found + len(spelling))
    if not ends:
        return []
    ends[-1] = len(text)
    # Punctuation between two words belongs to the word before it.
    cuts = [0, *(_after_punctuation(text, end) for end in ends[:-1]), len(text)]
    return [
        Piece(text[low:high], _ms(word.start), _ms(max(word.start, word.end)))
        for (low, high), word in zip(pairwise(cuts), spoken, strict=True)
        if low < high  # a comma that is a word of its own was joined to the word before
    ]


def _after_punctuation(text: str, end: int) -> int:
    """Return where the run of punctuation that follows ``end`` stops."""
    while end < len(text) and not text[end].isalnum() and not text[end].isspace():
        end += 1
    return end


def _by_length(text: str, final: messages.Final) -> list[Piece]:
    """Divide the time of ``final`` among its words in proportion to their length."""
    parts = re.findall(r"\s*\S+", text)
    start, span = _ms(final.start), max(0, _ms(final.end) - _ms(final.start))
    marks = [start + span * done // max(1, len(text)) for done in accumulate(map(len, parts), initial=0)]
    return [Piece(part, low, high) for part, (low, high) in zip(parts, pairwise(marks), strict=True)]


def _chopped(piece: Piece) -> Iterator[Piece]:
    """Yield ``piece``, or parts of it when it is wider than a line (an address; a script without spaces)."""
    if cell_len(piece.text.strip()) <= LINE_COLUMNS:
        yield piece
        return
    parts = chop_cells(piece.text, LINE_COLUMNS)
    span = piece.end - piece.start
    for index, part in enumerate(parts):
        low, high = (piece.start + span * step // len(parts) for step in (index, index + 1))
        yield Piece(part, low, high)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
