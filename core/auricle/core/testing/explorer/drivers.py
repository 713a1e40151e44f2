"""The part of the driver contract that the explorer relies on.

Each function is one promise (notes/sans-io.md §5), and the place to plant a driver's fault. ``unsent`` holds the items
that a side has sent and the other has not received.
"""

from auricle.core import timers
from auricle.core.snapshot import Snapshot


def with_close(queued: tuple[int, ...], close: int) -> tuple[int, ...]:
    """Return a queue with a Close frame: "send what is queued, then the closing handshake"."""
    return (*queued, close)


def client_reads(s: Snapshot, unsent: tuple[int, ...]) -> bool:
    """Whether a client's driver reads. "The reader never awaits the writer or the application"."""
    return True


def server_reads(s: Snapshot, unsent: tuple[int, ...]) -> bool:
    """Whether a server's driver reads: always, but for the dialect without credit."""
    return not timers.is_reading_suspended(s)
