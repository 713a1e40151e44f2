"""Files that travel inside the faster-whisper wheel, found without importing it.

Importing the package brings CTranslate2 along: 35 MiB of native code that a process without a model has no use for.
"""

from importlib.util import find_spec
from pathlib import Path


def find_file(*parts: str) -> Path | None:
    """Return where a file of the package lies, None where the package or the file is missing."""
    spec = find_spec("faster_whisper")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder, *parts)
        if path.is_file():
            return path
    return None
