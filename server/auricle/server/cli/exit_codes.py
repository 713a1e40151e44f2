"""Exit codes, the same for every command."""

from collections.abc import Iterable
from enum import IntEnum


class Exit(IntEnum):
    """Exit status of a command. The highest of several outcomes wins."""

    GOOD = 0
    """All is done, and complete."""
    INCOMPLETE = 1
    """The server failed or could not be reached, so that the transcript is not complete; or a check failed; or a
    replayed trace diverged."""
    BAD_INPUT = 2
    """A file, an option or a device cannot be used; the rest was done."""
    HUNG_UP = 129
    """SIGHUP ended the command, as shells report it."""
    INTERRUPTED = 130
    """Ctrl-C, as shells report it."""
    TERMINATED = 143
    """SIGTERM ended the command, as shells report it."""


def worst(results: Iterable[Exit]) -> Exit:
    """Return the highest exit status, `Exit.GOOD` where there is none."""
    return max(results, default=Exit.GOOD)
