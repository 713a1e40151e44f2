"""Two wires and nothing between them: the smallest transport that keeps every promise, for either loop."""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Self

from auricle.core import PROTOCOL, Frame
from auricle.transports.testing.loop import Loop
from auricle.transports.wire import WireLost

CAPACITY: Final = 16
"""Messages on their way before a sender has to wait."""


class InMemoryWire:
    """One end. Made by `memory_pair`."""

    peer: Self

    def __init__(self, loop: Loop, subprotocol: str | None) -> None:
        self.subprotocol = subprotocol
        self._loop = loop
        self._moved = loop.signal()
        self._incoming: deque[Frame] = deque()
        self._said: tuple[int, str] | None = None
        self._heard_end = False
        self._aborted = False

    async def receive(self) -> Frame:
        """Return the next message."""
        while True:
            if self._aborted:
                raise WireLost("reset")
            if self._incoming:
                frame = self._incoming.popleft()
                self.move()
                return frame
            if self.peer._said is not None:
                self._heard_end = True
                self.move()
                raise WireLost("eof", *self.peer._said)
            if self._said is not None and self.peer._heard_end:
                raise WireLost("eof", *self._said)
            if self.peer._aborted:
                raise WireLost("reset")
            await self._moved.wait()

    async def send(self, frame: Frame) -> None:
        """Send one message. Cancelled, it has not been sent."""
        while not self._is_over() and len(self.peer._incoming) >= CAPACITY:
            await self._moved.wait()
        if self._is_over():
            raise WireLost("reset")
        self.peer._incoming.append(frame)
        self.move()

    async def close(self, code: int, reason: str) -> None:
        """Say the end, and wait until the peer has read up to it."""
        self._said = (code, reason)
        self.move()
        while not (self.peer._heard_end or self.peer._aborted or self._aborted):
            await self._moved.wait()

    async def abort(self) -> None:
        """Drop both directions."""
        self._aborted = True
        self.move()

    def move(self) -> None:
        """Wake everybody at both termination_scenarios."""
        for end in (self, self.peer):
            end._moved.set()
            end._moved = self._loop.signal()

    def _is_over(self) -> bool:
        return self._aborted or self._heard_end or self.peer._aborted


@asynccontextmanager
async def memory_pair(
    loop: Loop, subprotocol: str | None = PROTOCOL, kind: type[InMemoryWire] = InMemoryWire
) -> AsyncIterator[tuple[InMemoryWire, InMemoryWire]]:
    """Make two connected wires; leaving the block drops them."""
    one, other = kind(loop, subprotocol), kind(loop, subprotocol)
    one.peer, other.peer = other, one
    try:
        yield one, other
    finally:
        await one.abort()
        await other.abort()
