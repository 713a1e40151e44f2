"""A wire in memory: what one end sends the other receives, on virtual time, until somebody breaks it."""

import asyncio
from collections import deque

from auricle.core import PROTOCOL, Frame
from auricle.transports.wire import WireLost

LATENCY_S = 0.01


class End:
    """One end of a `Pipe`: a `Wire`."""

    subprotocol = PROTOCOL

    def __init__(self) -> None:
        self.other: End
        self.deaf = False
        """Whatever is sent to it vanishes: a half-open connection."""
        self._flying: deque[Frame | WireLost] = deque()
        self._incoming: deque[Frame | WireLost] = deque()
        self._changed = asyncio.Event()
        self._left = False

    @property
    def over(self) -> bool:
        """Whether it has ended, one way or another."""
        return any(isinstance(item, WireLost) for item in self._incoming)

    def deliver(self, item: Frame | WireLost) -> None:
        if not self.deaf:
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
        """Say goodbye out of turn."""
        self._left = True
        self.other.deliver(WireLost("eof", code))

    async def abort(self) -> None:
        self.break_off()

    def break_off(self) -> None:
        """A reset: neither end hears any more."""
        for end in (self, self.other):
            end.deaf = True
            end._flying.clear()
            end._incoming.clear()
            end._arrive(WireLost("reset"))


def pipe() -> tuple[End, End]:
    """Return the two ends of a wire."""
    one, other = End(), End()
    one.other, other.other = other, one
    return one, other
