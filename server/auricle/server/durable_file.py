"""Files that are on the disk whole before anybody finds them, and what is said of those that cannot be used."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def written_beside(target: Path, data: bytes, give: Callable[[int], None]) -> Path:
    """Return a new file beside ``target`` that holds ``data`` and is on the disk; none is left where that fails.

    ``give`` sets who may use it, by its descriptor: until then it is its owner's alone. Raises `OSError`.
    """
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".auricle-", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            give(descriptor)
            os.fsync(descriptor)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def replace_with(target: Path, data: bytes, give: Callable[[int], None]) -> None:
    """Replace ``target``, or make it, by a file as of `written_beside`.

    Raises `OSError`; then the file is what it was before.
    """
    temporary = written_beside(target, data, give)
    try:
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def why(error: OSError) -> str:
    """Return a clause: why a file cannot be used."""
    return os.strerror(error.errno).lower() if error.errno else str(error)
