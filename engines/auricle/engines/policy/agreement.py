"""What two hypotheses agree on, and where one begins to say what is known already. Words are compared as written."""

from collections.abc import Sequence
from typing import Final

LONGEST_FRAGMENT: Final = 6
"""Words at most that lie in the little audio before what is known, or are made of what is left of one there."""


def agreed(older: Sequence[str], newer: Sequence[str]) -> int:
    """Return how many words both begin with."""
    count = 0
    for one, other in zip(older, newer, strict=False):
        if one != other:
            break
        count += 1
    return count


def leading_fragments(known: Sequence[str], heard: Sequence[str]) -> int:
    """Return how many words ``heard`` has before it says what is ``known`` to come first; 0 where it never does.

    Case and punctuation do not count.
    """
    wanted, found = [_bare(word) for word in known], [_bare(word) for word in heard]
    for count in range(LONGEST_FRAGMENT + 1):
        if wanted and found[count : count + len(wanted)] == wanted:
            return count
    return 0


def continues(known: Sequence[str], heard: Sequence[str]) -> bool:
    """Return whether ``heard`` begins with what is ``known``. Case and punctuation do not count."""
    return [_bare(word) for word in heard[: len(known)]] == [_bare(word) for word in known]


def continued(committed: Sequence[str], text: str) -> str:
    """Return ``text`` if its first words are the committed ones; otherwise those, and what it has beyond as many."""
    words = text.split()
    if words[: len(committed)] == list(committed):
        return text.strip()
    return " ".join((*committed, *words[len(committed) :]))


def _bare(word: str) -> str:
    return "".join(letter for letter in word.casefold() if letter.isalnum()) or word
