"""SHA-256 of large files, computed once: a file that was checked is remembered by its size, time and inode.

The memory is a small JSON file in the user's cache. Without one (a read-only home, say) files are checked at each
start.
"""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any, Final

MEMORY_FILE: Final = "verified-files.json"


def cache_folder() -> Path:
    """Return the folder for what can be made again; it need not exist."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "auricle"


def is_verified(path: Path, size: int, sha256: str) -> bool:
    """Whether a file has that size and hash. Raises `OSError` where it cannot be read."""
    found = path.stat()
    if found.st_size != size:
        return False
    known = [found.st_size, found.st_mtime_ns, found.st_ino, sha256]
    memory = _memory()
    if memory.get(str(path.resolve())) == known:
        return True
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            return False
    _remember({**memory, str(path.resolve()): known})
    return True


def _memory() -> dict[str, Any]:
    try:
        memory = json.loads((cache_folder() / MEMORY_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError):
        return {}
    return memory if isinstance(memory, dict) else {}


def _remember(memory: dict[str, Any]) -> None:
    """Write the memory, whole or not at all. Of two processes at once the last one wins: the other's costs a check."""
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder, delete=False) as file:
            json.dump(memory, file)
        Path(file.name).replace(folder / MEMORY_FILE)
    except (OSError, RuntimeError):
        return
