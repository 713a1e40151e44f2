"""The registry of voice embedders by name: the entry points of the group ``auricle.speakers``. Any package may add one.

An entry point names a function ``create_embedder() -> VoiceEmbedder``, which must be cheap: loading is the work of
`VoiceEmbedder.load`. Its module is imported only when it is requested.
"""

from importlib.metadata import entry_points
from typing import Final

from auricle.engines.protocol import EngineError, EngineUnavailable
from auricle.engines.speakers.protocol import VoiceEmbedder

GROUP: Final = "auricle.speakers"


def available() -> tuple[str, ...]:
    """Return the names of the installed embedders, sorted. Whether one can be used is known only after loading it."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def create(name: str) -> VoiceEmbedder:
    """Return the embedder ``name``, not loaded. Raises `EngineUnavailable` for one that is not there, or is none."""
    found = sorted(entry_points(group=GROUP, name=name), key=lambda entry: entry.value)
    if not found:
        there = ", ".join(available()) or "none"
        raise EngineUnavailable(f"There is no {name!r} that tells speakers apart; there are {there}.")
    try:
        embedder = found[0].load()()
    except EngineError:
        raise
    except Exception as error:
        # This runs third-party code, at import and in the factory: it may raise anything.
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EngineUnavailable(f"{name} ({found[0].value}) cannot tell speakers apart here: {why}.") from error
    if not isinstance(embedder, VoiceEmbedder):
        raise EngineUnavailable(f"{name} ({found[0].value}) tells no speakers apart: {type(embedder).__name__}.")
    return embedder
