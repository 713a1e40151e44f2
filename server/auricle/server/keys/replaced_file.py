"""Files of several writers that are replaced as a whole: whoever reads one finds the old text or the new one."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from auricle.server.durable_file import replace_with

_ALONE: Final = 0o600


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder: between reading a file of it and replacing that nobody else does. Raises `OSError`."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
        os.fsync(handle)
    finally:
        os.close(handle)


def replace(target: Path, text: str) -> None:
    """Replace a file by one that is on the disk already, for the same readers; a new one is its owner's alone.

    Raises `OSError`.
    """
    replace_with(target, text.encode(), partial(_give_to_the_readers_of, target))


def _give_to_the_readers_of(target: Path, handle: int) -> None:
    """Give an open file the owner, the group and the mode that a file has: a server may run as another user.

    Where that may not be done, or there is no such file, it stays its owner's alone.
    """
    try:
        before = target.stat()
        os.fchown(handle, before.st_uid, before.st_gid)
    except (FileNotFoundError, PermissionError):
        os.fchmod(handle, _ALONE)
    else:
        os.fchmod(handle, stat.S_IMODE(before.st_mode))
