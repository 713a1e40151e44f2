"""What the log says while a server drains: how many sessions are left, and how long they may still take."""

import logging
from collections.abc import Callable
from typing import Final

import trio

logger = logging.getLogger(__name__)

EVERY_S: Final = 5.0
"""Seconds between two lines."""


class DrainProgress:
    """Of one drain. ``sessions`` returns how many are open; ``timeout_s`` is how long they may take."""

    def __init__(self, sessions: Callable[[], int], timeout_s: float) -> None:
        self._sessions = sessions
        self._timeout_s: Final = timeout_s
        self._began_at = trio.current_time()
        self._left = sessions()

    @property
    def deadline(self) -> float:
        """When the rest is cut, on trio's clock."""
        return self._began_at + self._timeout_s

    async def tell(self) -> None:
        """Write a line at the beginning and every `EVERY_S`, until there are no sessions."""
        while left := self._sessions():
            self._left = left
            seconds = max(0.0, self.deadline - trio.current_time())
            logger.info("draining: %d %s left, %.0f s until the rest is cut", left, _sessions(left), seconds)
            await trio.sleep(EVERY_S)
        self._left = 0

    def ended(self, *, cut: bool) -> None:
        """Write the last line; ``cut``: the deadline has come first."""
        if cut:
            logger.warning(
                "drained: after %.0f s about %d %s were cut", self._timeout_s, self._left, _sessions(self._left)
            )
        else:
            logger.info("drained: the last session has ended after %.1f s", trio.current_time() - self._began_at)


def _sessions(count: int) -> str:
    return "session" if count == 1 else "sessions"
