"""Which engine answers: the one that was asked for or none; where nobody asked, the best one that works here."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from auricle.engines.isolation import load_isolated
from auricle.engines.loading import EngineLoader, Loaded
from auricle.engines.protocol import Engine, EngineUnavailable, LoadProgress
from auricle.engines.registry import load_engine

DEFAULT_ENGINE: Final = "whisper"
FALLBACK_ENGINE: Final = "sphinx"
"""Its model is inside its wheel: it works without a network."""


class Isolation(StrEnum):
    """Where the model lives."""

    PROCESS = "process"
    """In a supervised process of its own: what crashes or hangs there costs no connection."""
    THREAD = "thread"
    """In this process, on its worker threads: for tests and small machines."""


Load = Callable[[str, str | None, str | None, LoadProgress], Engine]
"""Loads the engine of a name, with a model, for a language. Raises `EngineUnavailable`."""


def engine_loader(
    engine: str | None = None,
    model: str | None = None,
    language: str | None = None,
    isolation: Isolation = Isolation.THREAD,
) -> EngineLoader:
    """Return a loader for `EngineActor`: ``engine`` or ``model`` pins the choice, without either one may be replaced.

    The loader raises `EngineUnavailable` where the engine cannot be had.
    """
    load: Load = load_isolated if isolation is Isolation.PROCESS else load_here

    def load_pinned(progress: LoadProgress) -> Loaded:
        return Loaded(engine=load(engine or DEFAULT_ENGINE, model, language, progress))

    def load_best(progress: LoadProgress) -> Loaded:
        return load_default(load, language, progress)

    return load_best if engine is None and model is None else load_pinned


def load_here(name: str, model: str | None, language: str | None, progress: LoadProgress) -> Engine:
    """Load exactly that engine in this process. Raises `EngineUnavailable`."""
    engine = load_engine(name, model, language)
    engine.load(progress)
    return engine


def load_default(load: Load, language: str | None, progress: LoadProgress) -> Loaded:
    """Load `DEFAULT_ENGINE`, and `FALLBACK_ENGINE` where that cannot be had; the note then says why.

    Raises `EngineUnavailable` with both reasons when neither works.
    """
    try:
        return Loaded(engine=load(DEFAULT_ENGINE, None, language, progress))
    except EngineUnavailable as error:
        wanted = error
    try:
        engine = load(FALLBACK_ENGINE, None, language, progress)
    except EngineUnavailable as error:
        raise EngineUnavailable(f"{wanted} {error}") from error
    note = f"{FALLBACK_ENGINE} answers, with modest accuracy and in English only. {wanted}"
    return Loaded(engine=engine, note=" ".join(note.split()))
