"""Files of several writers that are replaced as a whole: whoever reads one finds the old text or the new one."""

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from auricle.server.durable_file import replace_with

PATIENCE_S: Final = 5.0
"""Longest wait for the lock, which is held for as long as a small file takes: whoever keeps it may stand still."""
HELD: Final = "another program keeps its folder locked, and has done nothing with it for a while: end that one"
_RETRY_S: Final = 0.05
_ALONE: Final = 0o600


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder: between reading a file of it and replacing that nobody else does.

    Raises `OSError`, also where somebody else has held it for `PATIENCE_S`.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(handle, time.monotonic() + PATIENCE_S)
        yield
        os.fsync(handle)
    finally:
        os.close(handle)


def _lock(handle: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TimeoutError(HELD) from None
            time.sleep(_RETRY_S)
        else:
            return


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
