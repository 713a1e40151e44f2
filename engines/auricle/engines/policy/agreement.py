"""What two hypotheses agree on, and how much of one a known prefix covers. Case and punctuation do not count.

Words are aligned by edits, never by their count: a hypothesis that has two words more in its middle is the same
sentence, and what lies behind the known words begins two words later. Source: notes/real-weights.md §2 A.
"""

from collections.abc import Sequence


def agreed(older: Sequence[str], newer: Sequence[str]) -> int:
    """Return how many words both begin with, as written."""
    count = 0
    for one, other in zip(older, newer, strict=False):
        if one != other:
            break
        count += 1
    return count


def heard_again(known: Sequence[str], heard: Sequence[str], earlier: Sequence[str] = ()) -> bool:
    """Return whether all known words are heard in a row, if need be behind some of the ``earlier`` ones."""
    _, covered = counterparts(known, heard, earlier)
    found = heard[covered - len(known) : covered] if covered >= len(known) else ()
    return [bare(word) for word in found] == [bare(word) for word in known]


def counterparts(
    known: Sequence[str], heard: Sequence[str], earlier: Sequence[str] = ()
) -> tuple[list[int | None], int]:
    """Align ``known`` with a prefix of ``heard``: the one that takes the fewest edits, the longest of several.

    Of the ``earlier`` words, which were said just before the known ones, the last may be heard again or not.
    Returns the index in ``heard`` of each known word's counterpart, None where it has none, and the prefix' length.
    """
    wanted, found = [bare(word) for word in (*earlier, *known)], [bare(word) for word in heard]
    costs = _edits(wanted, found, optional=len(earlier))
    covered = min(range(len(found) + 1), key=lambda length: (costs[len(wanted)][length], -length))
    matches: list[int | None] = [None] * len(wanted)
    row, column = len(wanted), covered
    while row:
        if column and costs[row][column] == costs[row - 1][column - 1] + (wanted[row - 1] != found[column - 1]):
            row, column = row - 1, column - 1
            matches[row] = column
        elif column and costs[row][column] == costs[row][column - 1] + 1:
            column -= 1
        else:
            row -= 1
    return matches[len(earlier) :], covered


def covered_by(known: Sequence[str], heard: Sequence[str]) -> int:
    """Return how many words of ``heard`` say what is known already: what lies behind them is new."""
    return counterparts(known, heard)[1]


def continued(known: Sequence[str], text: str) -> str:
    """Return the known words, and what ``text`` says behind them; the text as it is, where it begins with them."""
    words = text.split()
    if words[: len(known)] == list(known):
        return text.strip()
    return " ".join((*known, *words[covered_by(known, words) :]))


def bare(word: str) -> str:
    """Return a word without case and punctuation; what is nothing else stays as it is."""
    return "".join(letter for letter in word.casefold() if letter.isalnum()) or word


def _edits(wanted: Sequence[str], found: Sequence[str], optional: int) -> list[list[int]]:
    """Return the edits between each prefix of both; the first ``optional`` words of ``wanted`` may be left out."""
    costs = [list(range(len(found) + 1))]
    for row, word in enumerate(wanted, 1):
        above, current = costs[-1], [max(0, row - optional)]
        for column, other in enumerate(found, 1):
            current.append(min(above[column] + 1, current[-1] + 1, above[column - 1] + (word != other)))
        costs.append(current)
    return costs
