"""The first frame of a new connection on the server's side, read before a session is chosen for it.

A ``resume`` message goes to a session that exists; any other first frame is pushed back for the session that is made
for the connection.
"""

import trio

from auricle.core import Frame, Limits
from auricle.core.first_frame import read_resume
from auricle.core.messages import Resume
from auricle.core.timers import LATE_TIMER_S
from auricle.transports.wire import Wire, WireLost


class PushbackWire:
    """A `Wire` whose `receive` returns ``first`` before the frames of ``wire``."""

    def __init__(self, wire: Wire, first: Frame) -> None:
        self._wire = wire
        self._first: Frame | None = first

    @property
    def subprotocol(self) -> str | None:
        """As `Wire.subprotocol`."""
        return self._wire.subprotocol

    async def receive(self) -> Frame:
        """Return the frame that was pushed back, then what the wire receives."""
        if self._first is None:
            return await self._wire.receive()
        frame, self._first = self._first, None
        return frame

    async def send(self, frame: Frame) -> None:
        """As `Wire.send`."""
        await self._wire.send(frame)

    async def close(self, code: int, reason: str) -> None:
        """As `Wire.close`."""
        await self._wire.close(code, reason)

    async def abort(self) -> None:
        """As `Wire.abort`."""
        await self._wire.abort()


async def read_first_frame(wire: Wire, limits: Limits, scope: trio.CancelScope) -> tuple[Resume | None, Wire]:
    """Wait for the first frame; return the ``resume`` message that it holds, or None, and the wire to go on with.

    Waits for ``limits.hello_timeout_s`` seconds at most, or until ``scope``, which must be fresh, is cancelled. A
    silent or lost wire is returned with None: the rules of the session that is made for it decide how it ends.
    """
    scope.deadline = trio.current_time() + limits.hello_timeout_s
    try:
        with scope:
            frame = await wire.receive()
        if scope.cancelled_caught and trio.current_time() - scope.deadline > LATE_TIMER_S:
            # The event loop itself was late: frames that arrived meanwhile are read first (F9).
            with trio.move_on_after(LATE_TIMER_S) as scope:
                frame = await wire.receive()
    except WireLost:
        return None, wire
    if scope.cancelled_caught:
        return None, wire
    resume = read_resume(frame, limits)
    return (resume, wire) if resume is not None else (None, PushbackWire(wire, frame))
