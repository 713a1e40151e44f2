"""What became of a stream's audio, in numbers that can be asked for at any time."""

from typing import NamedTuple


class Report(NamedTuple):
    """Seconds and counts since the stream began."""

    pushed: float = 0.0
    """Audio taken from the framework."""
    decided: float = 0.0
    """Of that, what is accounted for by finals or as no speech."""
    lost: float = 0.0
    """Of that, what nobody will ever decide: an engine failed on it, or it was too much to keep."""
    finals: int = 0
    flushes: int = 0
    """Flushes that were answered."""
    interruptions: int = 0
    """Times the connection was lost."""
    sessions: int = 0
    """Sessions with a server: 1 unless one ended before its time."""
    complete: bool | None = None
    """Whether every sample is accounted for, by the server's books and ours. None: not known yet."""
