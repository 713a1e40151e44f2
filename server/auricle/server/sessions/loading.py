"""Loads what a server has beside its models, off the event loop, before it serves."""

from typing import Protocol

import trio

from auricle.engines.protocol import LoadProgress


class Loadable(Protocol):
    """A detector, or an embedder."""

    def load(self, progress: LoadProgress, /) -> None:
        """Load it. Raises `EngineUnavailable`."""


async def load(part: Loadable) -> None:
    """Load a part on a thread. It takes a moment, so that nobody is told how far it is. Raises `EngineUnavailable`."""
    await trio.to_thread.run_sync(part.load, lambda stage, fraction: None)
