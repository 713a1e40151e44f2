"""Subtitle cues from finals: at most two lines of 42 columns and seven seconds, without overlaps.

The limits are those of broadcast practice (BBC subtitle guidelines, Netflix timed-text style guide): a longer cue
cannot be read in the time it is shown.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from rich.cells import cell_len, chop_cells

from auricle.core import messages, parts
from auricle.server.cli.printable import printable

LINE_COLUMNS: Final = 42
"""Columns of a line. A Chinese, Japanese or Korean character takes two."""
MAX_CUE_MS: Final = 7_000
MIN_CUE_MS: Final = 1_000
"""Minimum duration of a cue, where the next one leaves room: less is too short to read."""
PAUSE_MS: Final = 1_500
"""A pause of this length ends a cue, so that words are not shown long before they are spoken."""
_SENTENCE_END: Final = re.compile(r"[.!?。！？…][\"'”’)\]]*\s*$")


class Piece(NamedTuple):
    """A word with the space before it and the punctuation after it. Times are milliseconds."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """One subtitle cue: times in milliseconds from the start of the recording, and one or two lines."""

    start: int
    end: int
    lines: tuple[str, ...]


def cues(finals: Iterable[messages.Final]) -> list[Cue]:
    """Return the cues of ``finals`` in order; each ends after it starts and not after the next one starts."""
    ordered = sorted(finals, key=lambda final: final.start)
    return _without_overlaps([cue for final in ordered for cue in _cut(pieces(final))])


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


def _cut(words: Sequence[Piece]) -> Iterator[Cue]:
    """Yield a cue for each group of pieces that fits one."""
    group: list[Piece] = []
    for piece in words:
        if group and _must_break(group, piece):
            yield _cue(group)
            group = []
        group.append(piece)
    if group:
        yield _cue(group)


def _must_break(group: Sequence[Piece], piece: Piece) -> bool:
    last = group[-1]
    sentence_over = _SENTENCE_END.search(last.text) is not None and cell_len(_joined(group)) > LINE_COLUMNS // 2
    return (
        sentence_over
        or piece.start - last.end > PAUSE_MS
        or piece.end - group[0].start > MAX_CUE_MS
        or wrap([*group, piece]) is None
    )


def _cue(group: Sequence[Piece]) -> Cue:
    lines = wrap(group) or (_joined(group),)
    return Cue(start=group[0].start, end=max(piece.end for piece in group), lines=lines)


def wrap(group: Sequence[Piece]) -> tuple[str, ...] | None:
    """Return the pieces as one line, or as the two most equal lines that fit; None when they do not fit."""
    whole = _joined(group)
    if cell_len(whole) <= LINE_COLUMNS:
        return (whole,)
    splits = [(_joined(group[:at]), _joined(group[at:])) for at in range(1, len(group))]
    fitting = [split for split in splits if max(map(cell_len, split)) <= LINE_COLUMNS]
    return min(fitting, key=lambda split: max(map(cell_len, split)), default=None)


def _joined(group: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in group).strip()


def _without_overlaps(cues_in_order: Sequence[Cue]) -> list[Cue]:
    """Make starts strictly increase and end each cue before the next: players order overlapping cues arbitrarily."""
    starts = list(accumulate((cue.start for cue in cues_in_order), lambda before, start: max(before + 1, start)))
    limits = starts[1:] + [start + MAX_CUE_MS for start in starts[-1:]]
    adjusted: list[Cue] = []
    for cue, start, limit in zip(cues_in_order, starts, limits, strict=True):
        end = min(max(cue.end, start + MIN_CUE_MS), start + MAX_CUE_MS, limit)
        adjusted.append(replace(cue, start=start, end=end))
    return adjusted


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
