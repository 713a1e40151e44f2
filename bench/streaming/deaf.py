"""A service that hears nothing: what a session of it costs is the harness's own."""

from collections.abc import Sequence

import anyio
from harness import Session

from auricle.engines.protocol import Result, StreamConfig


class DeafSession:
    """Says nothing, and ends."""

    def __init__(self) -> None:
        self._over = anyio.Event()

    def feed(self, pcm: bytes) -> None:
        """Take it."""

    def finish(self) -> None:
        """End it."""
        self._over.set()

    async def receive(self) -> Sequence[Result]:
        """Wait for the end."""
        await self._over.wait()
        return ()

    def close(self) -> None:
        """End it."""
        self._over.set()


class DeafService:
    """Opens deaf sessions."""

    def open(self, config: StreamConfig) -> Session:
        """Begin one."""
        return DeafSession()
