"""A client that knows which of its calls are under way, so that a scenario that hangs can say where it waits."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Protocol

from auricle.core import ClientEvent, SessionClosed
from auricle.transports.testing.watched_wire import Waits


class DrivenClient(Protocol):
    """The client API that a driver offers: that of `auricle.transports.client.BaseClient`, and ``aclose``."""

    @property
    def closed(self) -> SessionClosed | None:
        """The terminal event, once the session has ended."""

    async def send_audio(self, data: bytes) -> None:
        """Send audio; wait while there is no credit."""

    async def flush(self) -> str:
        """Ask for finals for everything sent so far."""

    async def end_input(self) -> None:
        """End the input."""

    async def aclose(self) -> None:
        """Close; wait until the connection is gone."""

    def __aiter__(self) -> AsyncIterator[ClientEvent]:
        """Events up to the terminal one."""


class WatchedClient:
    """A `DrivenClient` around a client."""

    def __init__(self, client: DrivenClient, waits: Waits) -> None:
        self.driven = client
        """The client as its driver made it."""
        self._waits = waits

    @property
    def closed(self) -> SessionClosed | None:
        """As `DrivenClient.closed`."""
        return self.driven.closed

    async def send_audio(self, data: bytes) -> None:
        """As `DrivenClient.send_audio`."""
        async with self._waits.during(f"client.send_audio({len(data)} bytes)"):
            await self.driven.send_audio(data)

    async def flush(self) -> str:
        """As `DrivenClient.flush`."""
        async with self._waits.during("client.flush()"):
            return await self.driven.flush()

    async def end_input(self) -> None:
        """As `DrivenClient.end_input`."""
        async with self._waits.during("client.end_input()"):
            await self.driven.end_input()

    async def aclose(self) -> None:
        """As `DrivenClient.aclose`."""
        async with self._waits.during("client.aclose()"):
            await self.driven.aclose()

    async def __aiter__(self) -> AsyncIterator[ClientEvent]:
        """As `DrivenClient`: what is waited for is the next event."""
        events = aiter(self.driven)
        while True:
            try:
                async with self._waits.during("the next event"):
                    event = await anext(events)
            except StopAsyncIteration:
                return
            yield event


class WatchedBlock:
    """The block in which a driver runs its client, watched where it is entered and left."""

    def __init__(self, block: AbstractAsyncContextManager[DrivenClient], waits: Waits) -> None:
        self._block = block
        self._waits = waits

    async def __aenter__(self) -> DrivenClient:
        """Enter the block."""
        async with self._waits.during("the entering of the client's block"):
            return WatchedClient(await self._block.__aenter__(), self._waits)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Leave the block."""
        async with self._waits.during("the leaving of the client's block"):
            return await self._block.__aexit__(kind, error, trace)
