"""A service without an engine: what one of its sessions costs is the cost of the harness."""

from collections.abc import Sequence

import anyio
from harness import Session

from auricle.engines.protocol import Result, StreamConfig


class NullSession:
    """A session that discards its audio and gives no results."""

    def __init__(self) -> None:
        self._ended = anyio.Event()

    def feed(self, pcm: bytes) -> None:
        """Discard audio."""

    def finish(self) -> None:
        """End the session."""
        self._ended.set()

    async def receive(self) -> Sequence[Result]:
        """Wait for the end of the session; return no results."""
        await self._ended.wait()
        return ()

    def close(self) -> None:
        """End the session."""
        self._ended.set()


class NullService:
    """Opens sessions without an engine."""

    def open(self, config: StreamConfig) -> Session:
        """Open a session."""
        return NullSession()
