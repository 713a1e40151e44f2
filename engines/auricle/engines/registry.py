"""The registry of engines by name: the entry points of the group ``auricle.engines``. Any package may add one.

An entry point names a function ``create_engine(model: str | None, language: str | None) -> Engine``, which must be
cheap: loading a model is the work of `Engine.load`. One that lets people choose how it computes takes ``compute:
ComputeOptions`` too. The module of an engine is imported only when it is requested.
"""

from importlib.metadata import EntryPoint
from inspect import signature
from typing import Final

from auricle.engines import registered
from auricle.engines.compute import ENGINE_DEFAULTS, ComputeOptions
from auricle.engines.protocol import Engine, EngineError, EngineUnavailable

GROUP: Final = "auricle.engines"
_COMPUTE: Final = "compute"
"""The parameter of a factory that takes `ComputeOptions`."""


def available() -> tuple[str, ...]:
    """Return the names of the installed engines, sorted. Whether one can be used is known only after loading it."""
    return registered.names(GROUP)


def module_of(name: str) -> str:
    """Return the module of the engine ``name``; it is not imported. Raises `EngineUnavailable` for an unknown one."""
    return _find(name).module


def takes_compute_options(name: str) -> bool:
    """Whether the engine ``name`` can be told how it computes. Its module is imported. Raises as `load_engine`."""
    entry = _find(name)
    try:
        return _COMPUTE in signature(entry.load()).parameters
    except Exception as error:
        raise _unusable(name, entry, error) from error


def load_engine(
    name: str, model: str | None = None, language: str | None = None, compute: ComputeOptions = ENGINE_DEFAULTS
) -> Engine:
    """Return the engine ``name``, created and not yet loaded.

    ``model`` and ``language`` None leave the choice to the engine. Raises `EngineUnavailable` for a name that is not
    installed, and where the engine's module or factory raises.
    """
    entry = _find(name)
    try:
        return _created(entry, model, language, compute)
    except EngineError:
        raise
    except Exception as error:
        raise _unusable(name, entry, error) from error


def _unusable(name: str, entry: EntryPoint, error: Exception) -> EngineUnavailable:
    """Return the error for third-party code that has raised, at import or in the factory."""
    why = registered.why_unusable(error)
    return EngineUnavailable(f"The engine {name} ({entry.value}) cannot be used here: {why}.")


def _find(name: str) -> EntryPoint:
    entry = registered.find(GROUP, name)
    if entry is None:
        raise EngineUnavailable(f"There is no engine {name!r}; there are {', '.join(available()) or 'none'}.")
    return entry


def _created(entry: EntryPoint, model: str | None, language: str | None, compute: ComputeOptions) -> Engine:
    create = entry.load()
    if not compute.chosen:
        engine = create(model, language)
    elif _COMPUTE in signature(create).parameters:
        engine = create(model, language, compute=compute)
    else:
        chosen = " and ".join(name.replace("_", " ") for name in compute.chosen)
        raise EngineUnavailable(f"The engine {entry.name} cannot be told its {chosen}: leave that to the engine.")
    if not isinstance(engine, Engine):
        raise EngineUnavailable(f"The engine {entry.name} ({entry.value}) is none: {type(engine).__name__}.")
    return engine
