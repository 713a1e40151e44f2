"""Partial transcripts: their names, and how it is known later that nobody but us has made or changed one.

A run that is cut leaves ``NAME.partial.SUFFIX``. Once the whole transcript is on the disk nobody needs it, but only
what is as we wrote it, of that very recording, is removed: it bears a seal over both, in an extended attribute of the
file, which no format has to have a place for. Copies, and files of editors that save anew, bear none; where a file
system keeps none, nothing is removed.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, count, takewhile
from pathlib import Path
from typing import Final

from auricle.server.recordings.recording import STDIN

ATTRIBUTE: Final = "user.auricle.partial"


def partial_place(place: Path) -> Path:
    """Return a free name for a partial transcript beside ``place``; a device takes it itself."""
    if place.exists() and not place.is_file():
        return place
    return next(path for path in _names(place) if not path.exists())


def seal(descriptor: int, recording: str, document: str) -> None:
    """Seal an open file as the partial transcript of a recording; what comes from standard input has no name for it."""
    if recording != STDIN:
        with suppress(OSError):  # a file system without attributes
            os.setxattr(descriptor, ATTRIBUTE, _seal(recording, document.encode("utf-8")))


def remove_superseded(place: Path, recording: str) -> list[Path]:
    """Remove the partial transcripts beside ``place``, whose whole one is on the disk; return those that stay.

    Those are no longer as we wrote them, or nobody knows.
    """
    if not place.is_file():
        return []
    return [path for path in takewhile(Path.exists, _names(place)) if not _removed(path, recording)]


def _names(place: Path) -> Iterator[Path]:
    endings = chain([""], map("-{}".format, count(2)))
    return (place.with_name(f"{place.stem}.partial{each}{place.suffix}") for each in endings)


def _removed(path: Path, recording: str) -> bool:
    try:
        if recording == STDIN or os.getxattr(path, ATTRIBUTE) != _seal(recording, path.read_bytes()):
            return False
        path.unlink()
    except OSError:
        return False
    return True


def _seal(recording: str, document: bytes) -> bytes:
    name = os.fsencode(os.path.realpath(recording))
    return hashlib.sha256(b"\0".join([name, document])).hexdigest().encode("ascii")
