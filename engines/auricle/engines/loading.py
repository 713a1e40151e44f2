"""How an engine comes to be loaded: by itself, or by a loader that chooses one."""

from collections.abc import Callable
from dataclasses import dataclass

from auricle.engines.protocol import Engine, LoadProgress


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadStage:
    """How far loading is; ``fraction`` in [0, 1] where it is known."""

    stage: str
    fraction: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """An engine that answers."""

    engine: Engine
    note: str | None = None
    """One line for people, where another engine had been wanted: why it is this one."""


EngineLoader = Callable[[LoadProgress], Loaded]
"""Loads an engine, in a worker thread. Raises `EngineUnavailable`."""


def loader_of(source: Engine | EngineLoader) -> EngineLoader:
    """Return ``source`` as a loader: one that loads the very engine, when it is one."""
    if not isinstance(source, Engine):
        return source
    engine: Engine = source

    def load(progress: LoadProgress) -> Loaded:
        engine.load(progress)
        return Loaded(engine=engine)

    return load
