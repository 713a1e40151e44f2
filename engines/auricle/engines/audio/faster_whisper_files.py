"""Paths of files inside the installed faster-whisper package, found without importing it.

An import would load CTranslate2, 35 MiB of native code, which a process without a model does not need.
"""

from importlib.util import find_spec
from pathlib import Path


def find_file(*parts: str) -> Path | None:
    """Return the path of a file of the package, ``parts`` below its folder; None where either is missing."""
    spec = find_spec("faster_whisper")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder, *parts)
        if path.is_file():
            return path
    return None
