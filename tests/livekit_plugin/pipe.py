"""A pair of wires in memory: what one end sends the other receives, on virtual time, until one of them breaks."""

import asyncio
from collections import deque

from auricle.core import PROTOCOL, Frame
from auricle.transports.wire import WireLost

LATENCY_S = 0.01


class PipeEnd:
    """One end of a pipe: a `Wire`."""

    subprotocol = PROTOCOL

    def __init__(self) -> None:
        self.other: PipeEnd
        self.half_open = False
        """Whether everything sent to this end is lost, without an error at the sender."""
        self._flying: deque[Frame | WireLost] = deque()
        self._incoming: deque[Frame | WireLost] = deque()
        self._changed = asyncio.Event()
        self._left = False

    @property
    def over(self) -> bool:
        """Whether the wire has ended, by a Close frame or a reset."""
        return any(isinstance(item, WireLost) for item in self._incoming)

    def deliver(self, item: Frame | WireLost) -> None:
        if not self.half_open:
            # Timers of one time fire in any order; what was sent first arrives first all the same.
            self._flying.append(item)
            asyncio.get_running_loop().call_later(LATENCY_S, self._land)

    def _land(self) -> None:
        if self._flying:
            self._arrive(self._flying.popleft())

    def _arrive(self, item: Frame | WireLost) -> None:
        self._incoming.append(item)
        self._changed.set()

    async def receive(self) -> Frame:
        while not self._incoming:
            self._changed.clear()
            await self._changed.wait()
        item = self._incoming[0]
        if isinstance(item, WireLost):
            if item.how == "eof" and not self._left:
                self._left = True
                self.other.deliver(WireLost("eof", item.code))
            raise item
        self._incoming.popleft()
        return item

    async def send(self, frame: Frame) -> None:
        if self.over:
            raise WireLost("reset")
        self.other.deliver(frame)

    async def close(self, code: int, reason: str) -> None:
        if not self._left:
            self._left = True
            self.other.deliver(WireLost("eof", code, reason))
        while not self.over:
            self._changed.clear()
            await self._changed.wait()

    def hang_up(self, code: int) -> None:
        """Send a Close frame, without waiting for the answer."""
        self._left = True
        self.other.deliver(WireLost("eof", code))

    async def abort(self) -> None:
        self.break_off()

    def break_off(self) -> None:
        """Reset the connection: both ends receive `WireLost`, and unread frames are lost."""
        for end in (self, self.other):
            end.half_open = True
            end._flying.clear()
            end._incoming.clear()
            end._arrive(WireLost("reset"))


def pipe() -> tuple[PipeEnd, PipeEnd]:
    """Return the two ends of a wire."""
    one, other = PipeEnd(), PipeEnd()
    one.other, other.other = other, one
    return one, other
