"""The registry of voice embedders by name: the entry points of the group ``auricle.speakers``. Any package may add one.

An entry point names a function ``create_embedder() -> VoiceEmbedder``, which must be cheap: loading is the work of
`VoiceEmbedder.load`. Its module is imported only when it is requested.
"""

from typing import Final

from auricle.engines import registered
from auricle.engines.protocol import EngineError, EngineUnavailable
from auricle.engines.speakers.protocol import VoiceEmbedder

GROUP: Final = "auricle.speakers"


def available() -> tuple[str, ...]:
    """Return the names of the installed embedders, sorted. Whether one can be used is known only after loading it."""
    return registered.names(GROUP)


def create(name: str) -> VoiceEmbedder:
    """Return the embedder ``name``, not loaded. Raises `EngineUnavailable` for one that is not there, or is none."""
    entry = registered.find(GROUP, name)
    if entry is None:
        there = ", ".join(available()) or "none"
        raise EngineUnavailable(f"There is no {name!r} that tells speakers apart; there are {there}.")
    try:
        embedder = entry.load()()
    except EngineError:
        raise
    except Exception as error:
        why = registered.why_unusable(error)
        raise EngineUnavailable(f"{name} ({entry.value}) cannot tell speakers apart here: {why}.") from error
    if not isinstance(embedder, VoiceEmbedder):
        raise EngineUnavailable(f"{name} ({entry.value}) tells no speakers apart: {type(embedder).__name__}.")
    return embedder
