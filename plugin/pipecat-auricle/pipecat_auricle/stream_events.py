"""What a `SpeechStream` tells, and how it ends."""

from dataclasses import replace
from typing import NamedTuple

from auricle.core import Final, Partial, Ready, SessionClosed, Start, Word


class Connected(NamedTuple):
    """A session is open, or goes on after a lost connection."""

    ready: Ready | None


class Disconnected(NamedTuple):
    """The connection is lost. Nothing else is: it is made again."""

    message: str


class Heard(NamedTuple):
    """A text, at times of the stream. ``flush``: the number of the flush that it answers."""

    text: Partial | Final
    flush: int | None


class FlushAnswered(NamedTuple):
    """Everything before a flush is decided; the finals of it have come."""

    flush: int


class Away(NamedTuple):
    """A session has ended though the input has not, and another one is tried. ``waiting_s`` of audio wait for it."""

    closed: SessionClosed
    waiting_s: float


class Refused(NamedTuple):
    """The server does not take a change, and goes on with what it has ``accepted`` before."""

    refused: Start
    accepted: Start
    message: str


class Lost(NamedTuple):
    """Audio that nobody will hear, and why."""

    lost_s: float
    message: str


StreamEvent = Connected | Disconnected | Heard | FlushAnswered | Away | Refused | Lost


class StreamFailed(Exception):
    """No session can serve the stream, or none came in time. ``closed`` says how the last one ended."""

    def __init__(self, closed: SessionClosed) -> None:
        super().__init__(closed.message)
        self.closed = closed


class Report(NamedTuple):
    """What became of the audio, in seconds. ``complete`` is None while the stream goes on."""

    sessions: int
    given_s: float
    decided_s: float
    lost_s: float
    complete: bool | None


def moved(text: Partial | Final, by_s: float) -> Partial | Final:
    """Return a text with its times moved: a session begins at 0, wherever in the stream it begins."""
    if not by_s:
        return text
    words = None if text.words is None else tuple(_moved_word(word, by_s) for word in text.words)
    return replace(text, start=text.start + by_s, end=text.end + by_s, words=words)


def _moved_word(word: Word, by_s: float) -> Word:
    return replace(word, start=word.start + by_s, end=word.end + by_s)
