"""Files that are replaced whole or not at all, so that neither a crash nor a full disk leaves half a transcript."""

import errno
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from auricle.server.durable_file import replace_with, written_beside

PROBE_BYTES: Final = 4_096
"""Bytes written to find out whether a folder takes any: one block, because an empty file fits on a full disk."""
FULL_DEVICE: Final = (1, 7)
"""Major and minor number of ``/dev/full``, which can be opened but takes no byte (null(4))."""


def write_atomically(path: Path, text: str, mark: Callable[[int], None] | None = None) -> None:
    """Write ``text`` as UTF-8 to ``path``, whose folder exists.

    A regular file is replaced by a complete one that is on the disk already: a temporary file of the same folder,
    fsync, rename. ``mark`` gets its descriptor before, and may give it attributes. Behind a symbolic link it is the
    link's target that is replaced. A device or a named pipe is written to as it is. Raises `OSError`; then the file is
    what it was before.
    """
    data = text.encode("utf-8")
    if _is_special(path):
        with path.open("wb") as device:
            device.write(data)
        return
    target = Path(os.path.realpath(path))

    def give(descriptor: int) -> None:
        if mark is not None:
            mark(descriptor)  # before the mode, which may let nobody write
        os.fchmod(descriptor, _mode(target))

    replace_with(target, data, give)
    _sync_folder(target.parent)


def check_writable(path: Path) -> None:
    """Raise `OSError` where `write_atomically` would fail now; what is at ``path`` stays as it is."""
    if _is_special(path):
        _check_device(path)
    elif path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    else:
        written_beside(Path(os.path.realpath(path)), bytes(PROBE_BYTES), partial(os.fchmod, mode=0o600)).unlink()


def is_full_device(status: os.stat_result) -> bool:
    """Whether a file is ``/dev/full``."""
    return (os.major(status.st_rdev), os.minor(status.st_rdev)) == FULL_DEVICE


def _is_special(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()


def _check_device(path: Path) -> None:
    if is_full_device(path.stat()):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def _mode(target: Path) -> int:
    """Return the permissions that the file has, or that a new one would get."""
    try:
        return target.stat().st_mode & 0o7777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    """Write the folder's entries to the disk, so that the rename survives a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
