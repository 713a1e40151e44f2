"""The registry of turn detectors by name: the entry points of the group ``auricle.turns``. Any package may add one.

An entry point names a function ``create_detector() -> TurnDetector``, which must be cheap: loading is the work of
`TurnDetector.load`. Its module is imported only when it is requested.
"""

from typing import Final

from auricle.engines import registered
from auricle.engines.protocol import EngineError, EngineUnavailable
from auricle.engines.turn_taking.protocol import TurnDetector

GROUP: Final = "auricle.turns"


def available() -> tuple[str, ...]:
    """Return the names of the installed detectors, sorted. Whether one can be used is known only after loading it."""
    return registered.names(GROUP)


def create(name: str) -> TurnDetector:
    """Return the detector ``name``, not loaded. Raises `EngineUnavailable` for one that is not there, or is none."""
    entry = registered.find(GROUP, name)
    if entry is None:
        raise EngineUnavailable(f"There is no turn detector {name!r}; there are {', '.join(available()) or 'none'}.")
    try:
        detector = entry.load()()
    except EngineError:
        raise
    except Exception as error:
        why = registered.why_unusable(error)
        raise EngineUnavailable(f"The turn detector {name} ({entry.value}) cannot be used here: {why}.") from error
    if not isinstance(detector, TurnDetector):
        raise EngineUnavailable(f"The turn detector {name} ({entry.value}) is none: {type(detector).__name__}.")
    return detector
