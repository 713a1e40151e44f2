"""Where an engine comes from, by name: plain data that the child creates the engine of, and the parent its parts."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from auricle.engines.compute import ComputeOptions
from auricle.engines.isolation.messages import Ready
from auricle.engines.protocol import Engine, EngineUnavailable, SessionParts
from auricle.engines.registry import load_engine


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFactory:
    """Two functions as ``module:name``. What the child says never chooses what the parent imports or calls."""

    create: str
    """Returns the engine, created and not yet loaded; called in the child process."""
    arguments: tuple[object, ...] = ()
    """Its arguments, plain JSON."""
    parts: str
    """Returns the `SessionParts` of such an engine, given its `parts_description`; called in the parent."""


def named_function(name: str) -> Callable[..., Any]:
    """Return the function ``module:name``. Raises `ImportError`, `AttributeError`, `ValueError`."""
    module, _, function = name.partition(":")
    if not function:
        raise ValueError(f"{name!r} is no module:name")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found


def registered(name: str, model: str | None, language: str | None, compute: dict[str, Any]) -> Engine:
    """Create the engine with a registered name; ``compute`` are the fields of `ComputeOptions`."""
    return load_engine(name, model, language, ComputeOptions(**compute))


def parts_module(entry_module: str) -> str:
    """Return the function that makes the parts of an engine whose entry point names ``entry_module``.

    It is ``session_parts`` of the module ``session_parts`` in the same package.
    """
    package = entry_module.rpartition(".")[0] or entry_module
    return f"{package}.session_parts:session_parts"


def parts_of(ready: Ready, function: str) -> SessionParts:
    """Return the parts that run here, as ``function``, ``module:name``, makes them. Raises `EngineUnavailable`."""
    try:
        parts = named_function(function)(ready.parts)
    except Exception as error:  # a third party's code, given what another process says
        raise EngineUnavailable(
            f"The engine {ready.info.name} cannot run in a process of its own, for its session_parts cannot be made "
            f"here ({type(error).__name__}: {error}): use --engine-isolation thread."
        ) from error
    assert isinstance(parts, SessionParts), f"{function} returns {type(parts).__name__}"
    return parts
