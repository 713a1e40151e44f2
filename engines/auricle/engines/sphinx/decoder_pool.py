"""A pool of pocketsphinx decoders, which are slow to create and need 96 MB each: a few are created, and reused.

An utterance that streams through a decoder holds it until the speech ends, so `acquire` never waits: it returns None
when all are in use. One more decoder is reserved for `borrowed`, which holds it for one call only, so that waiting for
it always ends.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pocketsphinx import Decoder


class DecoderPool:
    """Holds at most ``max_decoders`` decoders, but at least 2. ``make`` creates one, which is slow."""

    def __init__(self, make: Callable[[], Decoder], max_decoders: int) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._free: list[Decoder] = []
        self._creatable = max(2, max_decoders) - 1
        """Decoders that may still be created for `acquire`."""
        self._reserved_lock = threading.Lock()
        self._reserved: Decoder | None = None

    def acquire(self) -> Decoder | None:
        """Return a decoder, or None when all are in use. Return it with `release`. Raises what ``make`` raises."""
        with self._lock:
            if self._free:
                return self._free.pop()
            if self._creatable == 0:
                return None
            self._creatable -= 1
        try:
            return self._make()
        except BaseException:
            self.discard()
            raise

    def release(self, decoder: Decoder) -> None:
        """Return a decoder from `acquire` to the pool. It must not be in an utterance."""
        with self._lock:
            self._free.append(decoder)

    def discard(self) -> None:
        """Give up a broken decoder from `acquire`: another one may be created in its place."""
        with self._lock:
            self._creatable += 1

    @contextmanager
    def borrowed(self) -> Iterator[Decoder]:
        """Return the reserved decoder for the length of one call; wait while another thread has it."""
        with self._reserved_lock:
            decoder, self._reserved = self._reserved or self._make(), None
            yield decoder
            # Not reached when the call raised: the decoder may then be in the middle of an utterance.
            self._reserved = decoder

    def close(self) -> None:
        """Free every decoder that is not in use."""
        with self._lock, self._reserved_lock:
            self._free.clear()
            self._reserved = None
