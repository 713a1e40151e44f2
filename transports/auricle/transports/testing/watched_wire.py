"""A wire that knows which of its operations are under way, so that a check that hangs can say where it waits."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from auricle.core import Frame
from auricle.transports.wire import Wire


class Waits:
    """The operations of some wires that were cut off, with the time of it. ``now`` returns the time in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._cut: list[tuple[float, str]] = []

    def stuck_at(self, time_s: float) -> str:
        """Return what was cut off at that time or later, such as ``one.receive()``: where something hung."""
        return " and ".join(self.cut_at(time_s)) or "the making or the end of the pair"

    def cut_at(self, time_s: float) -> list[str]:
        """Return the operations that were cut off at that time or later, each once."""
        return sorted({operation for at, operation in self._cut if at >= time_s})

    def watched(self, pair: tuple[Wire, Wire]) -> tuple["WatchedWire", "WatchedWire"]:
        """Return the two wires of a pair, watched; reports call them ``one`` and ``other``."""
        return WatchedWire(pair[0], "one", self), WatchedWire(pair[1], "other", self)

    @asynccontextmanager
    async def during(self, operation: str) -> AsyncIterator[None]:
        """Note the operation where the block is cancelled."""
        try:
            yield
        except Exception:
            raise
        except BaseException:
            self._cut.append((self._now(), operation))
            raise


class WatchedWire:
    """A `Wire` around a wire. ``name`` is how reports call it."""

    def __init__(self, wire: Wire, name: str, waits: Waits) -> None:
        self._wire = wire
        self._name = name
        self._waits = waits

    @property
    def subprotocol(self) -> str | None:
        """As `Wire.subprotocol`."""
        return self._wire.subprotocol

    async def receive(self) -> Frame:
        """As `Wire.receive`."""
        async with self._waits.during(f"{self._name}.receive()"):
            return await self._wire.receive()

    async def send(self, frame: Frame) -> None:
        """As `Wire.send`."""
        async with self._waits.during(f"{self._name}.send({type(frame).__name__} of {len(frame)})"):
            await self._wire.send(frame)

    async def close(self, code: int, reason: str) -> None:
        """As `Wire.close`."""
        async with self._waits.during(f"{self._name}.close({code}, {reason!r})"):
            await self._wire.close(code, reason)

    async def abort(self) -> None:
        """As `Wire.abort`."""
        async with self._waits.during(f"{self._name}.abort()"):
            await self._wire.abort()
