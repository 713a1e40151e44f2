"""`SpeechStream.report`: how much of a stream's audio was transcribed, and how much was lost."""

from typing import NamedTuple


class Report(NamedTuple):
    """Seconds of audio, and counts, since the stream began."""

    pushed: float = 0.0
    """Audio taken from the framework."""
    decided: float = 0.0
    """Of ``pushed``: audio covered by finals, or committed as non-speech."""
    lost: float = 0.0
    """Of ``pushed``: audio that will not be transcribed, because an engine failed on it, the backlog was full or the
    stream has failed."""
    handed_on: float = 0.0
    """Of ``pushed``: audio that was undecided when the stream failed, and waits for the next stream."""
    finals: int = 0
    flushes: int = 0
    """Flushes that were answered."""
    interruptions: int = 0
    """How many times the connection was lost."""
    sessions: int = 0
    """Sessions opened with a server: 1 unless one ended before the input did."""
    complete: bool | None = None
    """Whether every sample is decided, by the server's accounting and the plugin's. None: the stream has not ended."""
