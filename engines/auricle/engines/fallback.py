"""Which engine answers: the one that was asked for or none; where nobody asked, the best one that works here."""

from typing import Final

from auricle.engines.loading import EngineLoader, Loaded
from auricle.engines.protocol import EngineUnavailable, LoadProgress
from auricle.engines.registry import load_engine

DEFAULT_ENGINE: Final = "whisper"
FALLBACK_ENGINE: Final = "sphinx"
"""Its model is inside its wheel: it works without a network."""


def engine_loader(engine: str | None = None, model: str | None = None, language: str | None = None) -> EngineLoader:
    """Return a loader for `EngineActor`: ``engine`` or ``model`` pins the choice, without either one may be replaced.

    The loader raises `EngineUnavailable` where the engine cannot be had.
    """

    def load_pinned(progress: LoadProgress) -> Loaded:
        return load_named(engine or DEFAULT_ENGINE, model, language, progress)

    def load_best(progress: LoadProgress) -> Loaded:
        return load_default(language, progress)

    return load_best if engine is None and model is None else load_pinned


def load_named(name: str, model: str | None, language: str | None, progress: LoadProgress) -> Loaded:
    """Load exactly that engine. Raises `EngineUnavailable`."""
    engine = load_engine(name, model, language)
    engine.load(progress)
    return Loaded(engine=engine)


def load_default(language: str | None, progress: LoadProgress) -> Loaded:
    """Load `DEFAULT_ENGINE`, and `FALLBACK_ENGINE` where that cannot be had; the note then says why.

    Raises `EngineUnavailable` with both reasons when neither works.
    """
    try:
        return load_named(DEFAULT_ENGINE, None, language, progress)
    except EngineUnavailable as error:
        wanted = error
    try:
        loaded = load_named(FALLBACK_ENGINE, None, language, progress)
    except EngineUnavailable as error:
        raise EngineUnavailable(f"{wanted} {error}") from error
    note = f"{FALLBACK_ENGINE} answers, with modest accuracy and in English only. {wanted}"
    return Loaded(engine=loaded.engine, note=" ".join(note.split()))
