"""The first frame on a server's new wire: read before there is a session, and put back for the one it is for."""

import trio

from auricle.core import Frame, Limits
from auricle.core.first_frame import read_resume
from auricle.core.messages import Resume
from auricle.core.timers import LATE_TIMER_S
from auricle.transports.wire import Wire, WireLost


class Unread:
    """A wire whose first frame has been read and is to be read again."""

    def __init__(self, wire: Wire, first: Frame) -> None:
        self._wire = wire
        self._first: Frame | None = first

    @property
    def subprotocol(self) -> str | None:
        """As `Wire.subprotocol`."""
        return self._wire.subprotocol

    async def receive(self) -> Frame:
        """Return the first frame, then what the wire receives."""
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


async def await_greeting(wire: Wire, limits: Limits, patience: trio.CancelScope) -> tuple[Resume | None, Wire]:
    """Wait for the first frame; return the ``resume`` that it is, or None, and the wire to go on with.

    Waits for ``hello_timeout_s`` at most, or until ``patience`` is cancelled. A silent or lost wire is left to the
    session that is made for it, whose own rules say what becomes of it.
    """
    patience.deadline = trio.current_time() + limits.hello_timeout_s
    try:
        with patience:
            frame = await wire.receive()
        if patience.cancelled_caught and trio.current_time() - patience.deadline > LATE_TIMER_S:
            # It was our own loop that slept: what has been waiting on the wire all the time is read first (F9).
            with trio.move_on_after(LATE_TIMER_S) as patience:
                frame = await wire.receive()
    except WireLost:
        return None, wire
    if patience.cancelled_caught:
        return None, wire
    resume = read_resume(frame, limits)
    return (resume, wire) if resume is not None else (None, Unread(wire, frame))
