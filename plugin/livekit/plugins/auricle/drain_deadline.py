"""``drain_timeout``: how long a stream waits, after the end of input, for a server that makes no progress."""

from collections.abc import Callable
from typing import Final

CLOSE_WAIT_S: Final = 1.0
"""How long a server may take to close a session of which all audio is committed."""


class DrainDeadline:
    """The deadline of a drain: set by the end of input, and moved by progress alone.

    ``now`` is the event loop's time in seconds, given by the caller.
    """

    def __init__(self, drain_timeout: float) -> None:
        self.deadline: float | None = None
        self._drain_timeout = drain_timeout
        self._on_moved: Callable[[float], None] | None = None

    def on_moved(self, callback: Callable[[float], None] | None) -> None:
        """Call ``callback`` with every new deadline from now on; None calls nothing."""
        self._on_moved = callback

    def start(self, now: float) -> None:
        """Start to wait: no more input will come, and what came is not committed."""
        self._move(now + self._drain_timeout)

    def progress(self, now: float) -> None:
        """Restart the wait, if it has started: the server has made progress."""
        if self.deadline is not None:
            self.start(now)

    def shorten(self, now: float) -> None:
        """Wait at most `CLOSE_WAIT_S` more: everything is committed, and only the server's ``closed`` is missing."""
        self._move(now + min(CLOSE_WAIT_S, self._drain_timeout))

    def _move(self, deadline: float) -> None:
        self.deadline = deadline
        if self._on_moved is not None:
            self._on_moved(deadline)
