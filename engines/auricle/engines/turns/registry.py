"""The registry of turn detectors by name: the entry points of the group ``auricle.turns``. Any package may add one.

An entry point names a function ``create_detector() -> TurnDetector``, which must be cheap: loading is the work of
`TurnDetector.load`. Its module is imported only when it is requested.
"""

from importlib.metadata import entry_points
from typing import Final

from auricle.engines.protocol import EngineError, EngineUnavailable
from auricle.engines.turn_taking.protocol import TurnDetector

GROUP: Final = "auricle.turns"


def available() -> tuple[str, ...]:
    """Return the names of the installed detectors, sorted. Whether one can be used is known only after loading it."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def create(name: str) -> TurnDetector:
    """Return the detector ``name``, not loaded. Raises `EngineUnavailable` for one that is not there, or is none."""
    found = sorted(entry_points(group=GROUP, name=name), key=lambda entry: entry.value)
    if not found:
        raise EngineUnavailable(f"There is no turn detector {name!r}; there are {', '.join(available()) or 'none'}.")
    try:
        detector = found[0].load()()
    except EngineError:
        raise
    except Exception as error:
        # This runs third-party code, at import and in the factory: it may raise anything.
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EngineUnavailable(f"The turn detector {name} ({found[0].value}) cannot be used here: {why}.") from error
    if not isinstance(detector, TurnDetector):
        raise EngineUnavailable(f"The turn detector {name} ({found[0].value}) is none: {type(detector).__name__}.")
    return detector
