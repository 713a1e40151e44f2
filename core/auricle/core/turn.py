"""The part of the snapshot that is about the open turn: the finals since the last ``turn_end``.

Both sides keep it, from what is said, so that both can hold a ``turn_end`` to its finals and to what was promised.
"""

from typing import Final, NamedTuple

from auricle.core.parts import TurnTrigger

UNPROMISED: Final[frozenset[TurnTrigger]] = frozenset({"manual", "timeout"})
"""Triggers of a ``turn_end`` before which no ``turn_maybe_end`` need come: nobody has judged what was said."""
LONGEST_TEXT: Final = 20_000
"""A turn whose text is longer, in code points, is ended: some 25 minutes of speech, and one message holds it."""


class MaybeEnd(NamedTuple):
    """What ``turn_maybe_end`` has promised, and no ``turn_resumed`` has taken back."""

    text: str
    last: int
    """The last segment that it speaks of, which may still be open."""


class Turn(NamedTuple):
    """The open turn, as far as it has been said. Positions are samples."""

    number: int = 0
    """The number of turns that have ended, and that of this one."""
    first: int = 0
    """The segment that it begins with."""
    text: str = ""
    """The texts of its finals."""
    spoken_until: int = 0
    """Where the words of its last final end."""
    at: int = 0
    """Position of the latest message about a turn: they do not go back."""
    maybe: MaybeEnd | None = None


def joined(one: str, other: str) -> str:
    """Return the text of two stretches of speech, one after the other."""
    return f"{one} {other}" if one and other else one or other


def following(turn: Turn, segment: int, at: int) -> Turn:
    """Return the turn after the one that has ended, which begins with ``segment``."""
    return Turn(number=turn.number + 1, first=segment, spoken_until=at, at=at)


def begun_anew(turn: Turn, segment: int) -> Turn:
    """Return the open turn where what has been said so far is no part of it."""
    return Turn(number=turn.number, first=segment, spoken_until=turn.at, at=turn.at)
