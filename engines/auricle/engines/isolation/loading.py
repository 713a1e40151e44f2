"""From the name of an engine to one that runs in a process of its own."""

from functools import partial

from auricle.engines.isolation.messages import MakeEngine
from auricle.engines.isolation.process import EngineProcess
from auricle.engines.isolation.stateful_engine import IsolatedStatefulEngine
from auricle.engines.isolation.window_engine import IsolatedWindowEngine
from auricle.engines.protocol import Engine, LoadProgress
from auricle.engines.registry import load_engine


def load_isolated(name: str, model: str | None, language: str | None, progress: LoadProgress) -> Engine:
    """Start a process, load the engine in it, and return its stand-in here. Raises `EngineUnavailable`."""
    return isolated(partial(load_engine, name, model, language), progress)


def isolated(make: MakeEngine, progress: LoadProgress) -> Engine:
    """Do the same with an engine that ``make`` makes, in the process. Raises `EngineUnavailable`."""
    process = EngineProcess(make)
    try:
        ready = process.start(progress)
    except BaseException:
        process.close()
        raise
    if ready.lanes is None:
        return IsolatedStatefulEngine(process, ready)
    return IsolatedWindowEngine(process, ready)
