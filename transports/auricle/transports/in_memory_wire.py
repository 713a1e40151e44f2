"""An in-memory pair of wires: the smallest transport that keeps every promise of `Wire`, for either event loop."""

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, Self

from auricle.core import PROTOCOL, Frame
from auricle.transports.driver import Signal
from auricle.transports.wire import WireLost

CAPACITY: Final = 16
"""Messages in flight before a sender has to wait."""


class InMemoryWire:
    """One end of a pair. Made by `memory_pair`."""

    peer: Self

    def __init__(self, new_signal: Callable[[], Signal], subprotocol: str | None) -> None:
        self.subprotocol = subprotocol
        self._new_signal = new_signal
        self._changed = new_signal()
        self._incoming: deque[Frame] = deque()
        self._close_sent: tuple[int, str] | None = None
        self._close_received = False
        self._aborted = False

    async def receive(self) -> Frame:
        """Return the next message."""
        while True:
            if self._aborted:
                raise WireLost("reset")
            if self._incoming:
                frame = self._incoming.popleft()
                self.notify()
                return frame
            if self.peer._close_sent is not None:
                self._close_received = True
                self.notify()
                raise WireLost("eof", *self.peer._close_sent)
            if self._close_sent is not None and self.peer._close_received:
                raise WireLost("eof", *self._close_sent)
            if self.peer._aborted:
                raise WireLost("reset")
            await self._changed.wait()

    async def send(self, frame: Frame) -> None:
        """Send one message. Cancelled, it has not been sent."""
        while not self._is_over() and len(self.peer._incoming) >= CAPACITY:
            await self._changed.wait()
        if self._is_over():
            raise WireLost("reset")
        self.peer._incoming.append(frame)
        self.notify()

    async def close(self, code: int, reason: str) -> None:
        """Send the close, and wait until the peer has received it."""
        self._close_sent = (code, reason)
        self.notify()
        while not (self.peer._close_received or self.peer._aborted or self._aborted):
            await self._changed.wait()

    async def abort(self) -> None:
        """Drop both directions."""
        self._aborted = True
        self.notify()

    def notify(self) -> None:
        """Wake the waiting tasks of both ends."""
        for end in (self, self.peer):
            end._changed.set()
            end._changed = self._new_signal()

    def _is_over(self) -> bool:
        return self._aborted or self._close_received or self.peer._aborted


@asynccontextmanager
async def memory_pair(
    new_signal: Callable[[], Signal], subprotocol: str | None = PROTOCOL, kind: type[InMemoryWire] = InMemoryWire
) -> AsyncIterator[tuple[InMemoryWire, InMemoryWire]]:
    """Make two connected wires; leaving the block drops them. ``new_signal`` makes an event of the loop."""
    one, other = kind(new_signal, subprotocol), kind(new_signal, subprotocol)
    one.peer, other.peer = other, one
    try:
        yield one, other
    finally:
        await one.abort()
        await other.abort()
