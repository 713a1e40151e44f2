"""When words were there to be read: from everything that was shown to what became of it. Pure.

The reader of a live transcript sees text that grows and changes. Two moments count for a word. It is *settled* when it
and all that comes before it stand as they will stand at the end; nobody but the bench can know that, and it favours no
server's way of saying what is final. It is *told final* when the server has said so, and from then on kept to it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from metrics import common_prefix
from normal import Alignment, Errors, align, normal
from peers.sessions import Session, Shown
from tapes import Spoken, spoken_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One session, read to its end. Delays are in seconds, one for each utterance that has one."""

    errors: Errors
    """Of the text that stood at the end, whether the server had called it final or not."""
    first_word_s: tuple[float, ...]
    """First text of an utterance shown − end of its first word."""
    settled_s: tuple[float, ...]
    """Last word of an utterance settled − its end; only where that word was heard right."""
    told_final_s: tuple[float, ...]
    """The same for told final; fewer, where a server never said so."""


def read(session: Session) -> Reading:
    """Return what became of a session's words."""
    spoken = spoken_on(session.tape)
    said = [normal(each.clip.text) for each in spoken]
    shown = session.shown or [Shown(0.0, "", "")]
    lines = [(one.at_s, normal(one.text)) for one in shown]
    heard = lines[-1][1]
    found = align([word for words in said for word in words], heard)
    ended = _times(lines, heard)
    final = _times([(one.at_s, normal(one.final)) for one in shown], heard)
    first_word_s, settled_s, told_final_s = [], [], []
    for each, (first, last) in zip(spoken, _places(said, found), strict=True):
        if first is not None:
            shown_at_s = _first_shown(lines, first, each)
            first_word_s += [] if shown_at_s is None else [shown_at_s - each.first_word_end_s]
        if last is not None:
            settled_s += _since(ended[last], each)
            told_final_s += _since(final[last], each)
    return Reading(
        errors=found.errors,
        first_word_s=tuple(first_word_s),
        settled_s=tuple(settled_s),
        told_final_s=tuple(told_final_s),
    )


def _since(at_s: float | None, spoken: Spoken) -> list[float]:
    return [] if at_s is None else [at_s - spoken.last_word_end_s]


def _times(lines: Sequence[tuple[float, Sequence[str]]], heard: Sequence[str]) -> list[float | None]:
    """Return for each word of the last line since when it and all before it stood as they do there; None: never."""
    since: list[float | None] = [None] * len(heard)
    standing = 0
    for at_s, words in lines:
        same = common_prefix(words, heard)
        for place in range(standing, same):
            since[place] = at_s
        for place in range(same, standing):
            since[place] = None
        standing = same
    return since


def _places(said: Sequence[Sequence[str]], found: Alignment) -> list[tuple[int | None, int | None]]:
    """Return for each utterance where its first word that was heard right is, and its very last word, if that was."""
    at = dict(found.equal)
    places: list[tuple[int | None, int | None]] = []
    begin = 0
    for words in said:
        end = begin + len(words)
        right = [at[place] for place in range(begin, end) if place in at]
        places.append((right[0] if right else None, at.get(end - 1) if words else None))
        begin = end
    return places


def _first_shown(lines: Sequence[tuple[float, Sequence[str]]], place: int, spoken: Spoken) -> float | None:
    """Return when text was shown for the first time that reaches so far, and not before anybody spoke."""
    return next((at_s for at_s, words in lines if at_s >= spoken.start_s and len(words) > place), None)


def values(readings: Sequence[Reading], of: Callable[[Reading], Sequence[float]]) -> list[float]:
    """Return the delays of all readings."""
    return [value for reading in readings for value in of(reading)]
