"""The choice of the engine: the requested one without fallback, or the default one with a fallback."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from auricle.engines.compute import ENGINE_DEFAULTS, ComputeOptions
from auricle.engines.isolation import load_isolated
from auricle.engines.loading import EngineLoader, Loaded
from auricle.engines.protocol import Engine, EngineUnavailable, LoadProgress
from auricle.engines.registry import load_engine
from auricle.engines.workers import EngineWorkers, load_on_workers

DEFAULT_ENGINE: Final = "whisper"
FALLBACK_ENGINE: Final = "sphinx"
"""Loaded where the default engine cannot be: its model is in its wheel, so that it needs no network."""


class Isolation(StrEnum):
    """Where the engine runs."""

    PROCESS = "process"
    """In a supervised process of its own: a crash or a hang there costs no connection."""
    THREAD = "thread"
    """In this process, on worker threads: for tests and small machines."""


Load = Callable[[str, str | None, str | None, ComputeOptions, LoadProgress], Engine]
"""Loads an engine, given its name, model, language, options and a progress callback. Raises `EngineUnavailable`."""


def engine_loader(
    engine: str | None = None,
    model: str | None = None,
    language: str | None = None,
    isolation: Isolation = Isolation.THREAD,
    compute: ComputeOptions = ENGINE_DEFAULTS,
    workers: EngineWorkers | None = None,
) -> EngineLoader:
    """Return a loader for `EngineActor`.

    With ``workers`` the engine runs on those of a cluster, and ``isolation`` does not matter; there is no fallback, for
    each node would have its own.

    With ``engine``, ``model``, a device or a compute type the loader loads exactly that, for a GPU that cannot be used
    is to be noticed, and so is a flag; with none of them it loads `DEFAULT_ENGINE`, or else `FALLBACK_ENGINE`. It
    raises `EngineUnavailable` when no engine can be loaded.
    """
    if workers is not None:
        return _loader_on(workers, engine or DEFAULT_ENGINE, model, language, compute)
    load: Load = load_isolated if isolation is Isolation.PROCESS else load_in_process

    def load_pinned(progress: LoadProgress) -> Loaded:
        return Loaded(engine=load(engine or DEFAULT_ENGINE, model, language, compute, progress))

    def load_best(progress: LoadProgress) -> Loaded:
        return load_default(load, language, compute, progress)

    is_open = engine is None and model is None and compute.device is None and compute.compute_type is None
    return load_best if is_open else load_pinned


def _loader_on(
    workers: EngineWorkers, name: str, model: str | None, language: str | None, compute: ComputeOptions
) -> EngineLoader:
    def load(progress: LoadProgress) -> Loaded:
        return Loaded(engine=load_on_workers(workers, name, model, language, compute, progress))

    return load


def load_in_process(
    name: str, model: str | None, language: str | None, compute: ComputeOptions, progress: LoadProgress
) -> Engine:
    """Load the engine ``name`` in this process. Raises `EngineUnavailable`."""
    engine = load_engine(name, model, language, compute)
    engine.load(progress)
    return engine


def load_default(load: Load, language: str | None, compute: ComputeOptions, progress: LoadProgress) -> Loaded:
    """Load `DEFAULT_ENGINE`, or `FALLBACK_ENGINE` where that is unavailable; the note then says why.

    Raises `EngineUnavailable` with both reasons when neither can be loaded.
    """
    try:
        return Loaded(engine=load(DEFAULT_ENGINE, None, language, compute, progress))
    except EngineUnavailable as error:
        unavailable = error
    try:
        engine = load(FALLBACK_ENGINE, None, language, ENGINE_DEFAULTS, progress)
    except EngineUnavailable as error:
        raise EngineUnavailable(f"{unavailable} {error}") from error
    note = f"{FALLBACK_ENGINE} answers, with modest accuracy and in English only. {unavailable}"
    return Loaded(engine=engine, note=" ".join(note.split()))
