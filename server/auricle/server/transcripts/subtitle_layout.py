"""How pieces of text fit into one cue, two lines at most, and how good each break between them is."""

import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from rich.cells import cell_len

from auricle.server.transcripts.subtitle_pieces import LINE_COLUMNS, Piece

INFEASIBLE: Final = float("inf")
CLAUSE_PAUSE_MS: Final = 300
"""A pause from here on is heard as one: a break there is as good as one at a comma."""
_SENTENCE_END: Final = re.compile(r"[.!?。！？…][\"'”’)\]]*\s*$")
_CLAUSE_END: Final = re.compile(r"[,;:、，；：–—-][\"'”’)\]]*\s*$")


class Layout:
    """The pieces of a recording, measured once. Costs are in units of a cue; groups are ``low`` to ``high``."""

    def __init__(self, pieces: Sequence[Piece], weak: frozenset[str]) -> None:
        self.pieces = pieces
        self._ends = [0, *accumulate(cell_len(piece.text) for piece in pieces)]
        self._leads = [cell_len(piece.text) - cell_len(piece.text.lstrip()) for piece in pieces]
        self._weak = [piece.text.strip().lower() in weak for piece in pieces]
        self._sentence = [bool(_SENTENCE_END.search(piece.text)) for piece in pieces]
        self._clause = [bool(_CLAUSE_END.search(piece.text)) for piece in pieces]
        self._sentences = [0, *accumulate(map(int, self._sentence))]

    def width(self, low: int, high: int) -> int:
        """Return the columns of the group on one line."""
        return self._ends[high] - self._ends[low] - self._leads[low]

    def lines(self, low: int, high: int) -> tuple[tuple[Piece, ...], ...]:
        """Return the pieces of the line, or of the two lines that cost least."""
        if self.width(low, high) <= LINE_COLUMNS or high - low == 1:
            return (tuple(self.pieces[low:high]),)
        at = min(range(low + 1, high), key=lambda at: self._split_cost(low, at, high))
        return tuple(self.pieces[low:at]), tuple(self.pieces[at:high])

    def line_cost(self, low: int, high: int) -> float:
        """Return what the lines cost: 0 for one, `INFEASIBLE` where two do not hold the group."""
        width = self.width(low, high)
        if width <= LINE_COLUMNS:
            return 0.0
        if width > 2 * LINE_COLUMNS + 1:
            return INFEASIBLE
        return min((self._split_cost(low, at, high) for at in range(low + 1, high)), default=INFEASIBLE)

    def break_cost(self, at: int) -> float:
        """Return what it costs to end a cue before the piece ``at``."""
        if at == len(self.pieces) or self._sentence[at - 1]:
            return 0.0
        if self._clause[at - 1] or self.pieces[at].start - self.pieces[at - 1].end >= CLAUSE_PAUSE_MS:
            return 0.3
        return 2.5 if self._weak[at - 1] else 1.0

    def sentence_cost(self, low: int, high: int) -> float:
        """Return what it costs that sentences end in the middle: little where the cue is short."""
        inside = self._sentences[high - 1] - self._sentences[low]
        return inside * (1.2 if self.width(low, high) > LINE_COLUMNS // 2 else 0.3)

    def _split_cost(self, low: int, at: int, high: int) -> float:
        first, second = self.width(low, at), self.width(at, high)
        if max(first, second) > LINE_COLUMNS:
            return INFEASIBLE
        cost = 0.1 + 0.6 * abs(first - second) / LINE_COLUMNS
        if self._weak[at - 1]:
            return cost + 1.0
        return cost if self._clause[at - 1] or self._sentence[at - 1] else cost + 0.2
