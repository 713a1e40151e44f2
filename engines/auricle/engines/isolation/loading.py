"""Loading an engine in a process of its own, by name or with a factory."""

from dataclasses import asdict
from typing import Final

from auricle.engines.compute import ComputeOptions
from auricle.engines.isolation.factory import EngineFactory, parts_module, parts_of
from auricle.engines.isolation.stateful_engine import IsolatedStatefulEngine
from auricle.engines.isolation.supervisor import Supervisor
from auricle.engines.isolation.window_engine import IsolatedWindowEngine
from auricle.engines.protocol import Engine, LoadProgress
from auricle.engines.registry import module_of

REGISTERED: Final = "auricle.engines.isolation.factory:registered"


def load_isolated(
    name: str, model: str | None, language: str | None, compute: ComputeOptions, progress: LoadProgress
) -> Engine:
    """Load the engine ``name`` in a new process and return an engine that calls it. Raises `EngineUnavailable`."""
    factory = EngineFactory(
        create=REGISTERED, arguments=(name, model, language, asdict(compute)), parts=parts_module(module_of(name))
    )
    return isolated(factory, progress)


def isolated(factory: EngineFactory, progress: LoadProgress) -> Engine:
    """Do the same with the engine that ``factory`` creates in the process. Raises `EngineUnavailable`."""
    supervisor = Supervisor(factory)
    try:
        ready = supervisor.start(progress)
        parts = parts_of(ready, factory.parts)
    except BaseException:
        supervisor.close()
        raise
    if ready.lanes is None:
        return IsolatedStatefulEngine(supervisor, ready, parts)
    return IsolatedWindowEngine(supervisor, ready, parts)
