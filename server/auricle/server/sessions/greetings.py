"""Connections whose first frame is awaited, for which a drain does not wait."""

from typing import Final

import trio

from auricle.core import Limits
from auricle.core.messages import Resume
from auricle.transports.trio.first_frame import read_first_frame
from auricle.transports.wire import Wire


class Greetings:
    """Those of one server."""

    def __init__(self, limits: Limits) -> None:
        self._limits: Final = limits
        self._waiting: set[trio.CancelScope] = set()
        self._draining = False

    def __len__(self) -> int:
        """Return how many are awaited."""
        return len(self._waiting)

    def drain(self) -> None:
        """Wait for no first frame any more, also of connections to come. Idempotent."""
        self._draining = True
        for scope in self._waiting:
            scope.cancel()

    async def first_frame(self, wire: Wire) -> tuple[Resume | None, Wire]:
        """Return the ``resume`` message that a connection begins with, or None, and the wire to go on with."""
        scope = trio.CancelScope()
        self._waiting.add(scope)
        try:
            if self._draining:
                scope.cancel()
            return await read_first_frame(wire, self._limits, scope)
        finally:
            self._waiting.discard(scope)
