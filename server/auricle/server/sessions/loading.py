"""Loads what listens beside a model, off the event loop, before anything is heard."""

from typing import Protocol

import trio

from auricle.engines.protocol import LoadProgress
from auricle.engines.speakers import registry
from auricle.engines.speakers.protocol import VoiceEmbedder


class Loadable(Protocol):
    """A detector, or an embedder."""

    def load(self, progress: LoadProgress, /) -> None:
        """Load it. Raises `EngineUnavailable`."""


async def load(part: Loadable) -> None:
    """Load a part on a thread. It takes a moment, so that nobody is told how far it is. Raises `EngineUnavailable`."""
    await trio.to_thread.run_sync(part.load, lambda stage, fraction: None)


async def load_embedder(name: str | None) -> VoiceEmbedder | None:
    """Return the embedder of that name, loaded; None for None. Raises `EngineUnavailable`, which says what to do."""
    if name is None:
        return None
    embedder = registry.create(name)
    await load(embedder)
    return embedder
