"""A log that no flood makes grow: of each kind of warning a few are written at once, and then one now and then.

Clients cause warnings: wrong keys, broken requests, refused sessions. Who sends thousands a second would fill a disk
with them. What is left out is counted, and the next record of its kind says how many there were (``unlogged``).
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

BURST: Final = 20
"""Records of a kind that are written at once."""
INTERVAL_S: Final = 10.0
"""Seconds between two records of a kind, once there have been so many."""
MOST_KINDS: Final = 256
"""Kinds that are remembered; beyond it the one that has been quiet for longest is forgotten."""
EACH: Final = frozenset({"session failed"})
"""Messages of which all are written: the line that a session leaves, which had a key where keys are asked for."""
_Kind = tuple[str, str, str]


@dataclass(slots=True)
class _Bucket:
    left: float
    filled_at: float
    unlogged: int = 0


class FloodBound(logging.Filter):
    """Lets records below WARNING through, and of all others so many of a kind as are of use.

    A kind is a logger, a message before its values are put in, and the field ``code`` or ``error``, so that a flood of
    one refusal hides no other one. ``clock`` returns seconds, from any beginning.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._buckets: dict[_Kind, _Bucket] = {}
        self._lock = threading.Lock()  # engines log from threads of their own, and a handler filters before it locks

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is to be written, with the number of those before it that were not."""
        if record.levelno < logging.WARNING or str(record.msg) in EACH:
            return True
        code = getattr(record, "code", None) or getattr(record, "error", None)
        with self._lock:
            return self._has_room((record.name, str(record.msg), str(code)), record)

    def _has_room(self, kind: _Kind, record: logging.LogRecord) -> bool:
        now = self._clock()
        bucket = self._bucket(kind, now)
        bucket.left = min(float(BURST), bucket.left + (now - bucket.filled_at) / INTERVAL_S)
        bucket.filled_at = now
        if bucket.left < 1.0:
            bucket.unlogged += 1
            return False
        bucket.left -= 1.0
        if bucket.unlogged:
            record.unlogged = bucket.unlogged
            bucket.unlogged = 0
        return True

    def _bucket(self, kind: _Kind, now: float) -> _Bucket:
        """Return the bucket of a kind, which is the last of all from now on."""
        bucket = self._buckets.pop(kind, None) or _Bucket(float(BURST), now)
        self._buckets[kind] = bucket
        if len(self._buckets) > MOST_KINDS:
            del self._buckets[next(iter(self._buckets))]
        return bucket
