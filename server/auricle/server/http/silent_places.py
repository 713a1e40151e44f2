"""Places for connections that have not said yet what they want: the longest silent one makes room for the next."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import trio


class SilentPlaces:
    """So many places. Who wants something says so at once, so it is those who say nothing that lose theirs."""

    def __init__(self, most: int) -> None:
        self._most: Final = most
        self._taken: deque[trio.CancelScope] = deque()
        """The longest waiting first."""

    @contextmanager
    def place(self) -> Iterator[trio.CancelScope]:
        """Have a place for the length of the block, which is cancelled where it has to be given up."""
        if len(self._taken) >= self._most:
            self._taken.popleft().cancel()
        with trio.CancelScope() as place:
            self._taken.append(place)
            try:
                yield place
            finally:
                with suppress(ValueError):  # it was given up
                    self._taken.remove(place)
