"""pocketsphinx decoders: slow to make and 96 MB each, so a few are made when they are needed, and used again.

Whoever streams through a decoder holds it for as long as somebody speaks, so those are limited and never waited for.
One more is held only for the length of a call: waiting for that one always ends.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pocketsphinx import Decoder


class DecoderPool:
    """Lends at most ``max_decoders`` decoders in all, at least 2; ``make`` makes one and takes its time."""

    def __init__(self, make: Callable[[], Decoder], max_decoders: int) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._free: list[Decoder] = []
        self._to_make = max(2, max_decoders) - 1
        self._last = threading.Lock()
        self._last_decoder: Decoder | None = None

    def take(self) -> Decoder | None:
        """Return a decoder to hold on to, None when all are out. Give it back with `give_back`."""
        with self._lock:
            if self._free:
                return self._free.pop()
            if self._to_make == 0:
                return None
            self._to_make -= 1
        try:
            return self._make()
        except BaseException:
            self.discard()
            raise

    def give_back(self, decoder: Decoder) -> None:
        """Return what `take` has lent. It must not be in an utterance."""
        with self._lock:
            self._free.append(decoder)

    def discard(self) -> None:
        """Make up for a decoder that `take` has lent and that is broken: another may be made in its place."""
        with self._lock:
            self._to_make += 1

    @contextmanager
    def borrowed(self) -> Iterator[Decoder]:
        """Lend the decoder that nobody holds on to, waiting for it if need be. For one call."""
        with self._last:
            decoder, self._last_decoder = self._last_decoder or self._make(), None
            yield decoder
            # Not reached when the call raised: then the decoder may be in the middle of an utterance.
            self._last_decoder = decoder

    def close(self) -> None:
        """Free every decoder that is not lent."""
        with self._lock, self._last:
            self._free.clear()
            self._last_decoder = None
