"""Signals that come before the server can hear them, while what it needs is still being imported."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
"""What ends the server."""


@contextmanager
def good_end_on_signals() -> Iterator[None]:
    """Within the block a signal ends the process with status 0: nothing has begun that it could break off.

    SIGHUP has nothing to reload yet, and is ignored from here on, until the server listens for it.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    before = {number: signal.signal(number, _end) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(0)
