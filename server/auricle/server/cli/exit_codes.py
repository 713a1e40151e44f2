"""Exit codes, the same for every command."""

from collections.abc import Iterable
from enum import IntEnum


class Exit(IntEnum):
    """What a command leaves in ``$?``. The worst of several outcomes wins."""

    GOOD = 0
    INCOMPLETE = 1
    """The server failed or could not be reached: something that was sent is not accounted for; or a trace
    that was replayed came out otherwise."""
    BAD_INPUT = 2
    """A file, a flag or a device that cannot be used; what could be done was done."""
    INTERRUPTED = 130
    """Ctrl-C, as shells report it."""


def worst(results: Iterable[Exit]) -> Exit:
    """Return the outcome that matters most."""
    return max(results, default=Exit.GOOD)
