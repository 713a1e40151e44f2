"""Loading an engine in a process of its own, by name or with a factory."""

from functools import partial

from auricle.engines.compute import ComputeOptions
from auricle.engines.isolation.messages import MakeEngine
from auricle.engines.isolation.stateful_engine import IsolatedStatefulEngine
from auricle.engines.isolation.supervisor import Supervisor
from auricle.engines.isolation.window_engine import IsolatedWindowEngine
from auricle.engines.protocol import Engine, LoadProgress
from auricle.engines.registry import load_engine


def load_isolated(
    name: str, model: str | None, language: str | None, compute: ComputeOptions, progress: LoadProgress
) -> Engine:
    """Load the engine ``name`` in a new process and return an engine that calls it. Raises `EngineUnavailable`."""
    return isolated(partial(load_engine, name, model, language, compute), progress)


def isolated(make: MakeEngine, progress: LoadProgress) -> Engine:
    """Do the same with the engine that ``make`` creates in the process. Raises `EngineUnavailable`."""
    supervisor = Supervisor(make)
    try:
        ready = supervisor.start(progress)
    except BaseException:
        supervisor.close()
        raise
    if ready.lanes is None:
        return IsolatedStatefulEngine(supervisor, ready)
    return IsolatedWindowEngine(supervisor, ready)
