"""Loaders: functions that return a loaded engine and report the progress of loading."""

from collections.abc import Callable
from dataclasses import dataclass

from auricle.engines.protocol import Engine, LoadProgress


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadStage:
    """The stage of loading, with the ``fraction`` of it that is done, in [0, 1]; None where it is not known."""

    stage: str
    fraction: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A loaded engine."""

    engine: Engine
    note: str | None = None
    """One line for users that says why another engine than the default was loaded; None where it was not."""


EngineLoader = Callable[[LoadProgress], Loaded]
"""Loads an engine; called in a worker thread. Raises `EngineUnavailable`."""


def loader_of(source: Engine | EngineLoader) -> EngineLoader:
    """Return ``source`` itself if it is a loader; for an engine, a loader that loads it."""
    if not isinstance(source, Engine):
        return source
    engine: Engine = source

    def load(progress: LoadProgress) -> Loaded:
        engine.load(progress)
        return Loaded(engine=engine)

    return load
