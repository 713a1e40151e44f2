"""Files that cannot seek, such as pipes: reading their head twice, and storing those whose index is at their end."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final, cast

from auricle.server.recordings.container_sizes import PassingBytes

INDEX_WITHIN: Final = 64 * 2**10
"""Bytes within which an MP4 must have its index to be read from a pipe. What comes before it is small."""
MP4_BOX_BYTES: Final = 8


class ForwardFile:
    """A binary file that is only read forwards, but whose head can be read again until `forget_head`."""

    def __init__(self, file: BinaryIO) -> None:
        self.passing = PassingBytes()
        """What tells whether all of the recording came, once it has ended."""
        self._file = file
        self._head = bytearray()
        self._at = 0
        self._keeps = True

    def read(self, size: int) -> bytes:
        """Return ``size`` bytes, or fewer: a pipe gives what it has. ``b""`` at the end."""
        again = bytes(self._head[self._at : self._at + size])
        if again:
            self._at += len(again)
            return again
        data = self._file.read(size) or b""
        self.passing.add(data)
        if self._keeps:
            self._head += data
            self._at += len(data)
        return data

    def rewind(self) -> None:
        """Go back to the first byte."""
        self._at = 0

    def forget_head(self) -> None:
        """Keep no more of what is read: what was kept is read once more where `rewind` came before."""
        self._keeps = False

    def seekable(self) -> bool:
        """Return False."""
        return False


def read_exactly(file: "BinaryIO | ForwardFile", count: int) -> bytes:
    """Return ``count`` bytes, fewer only at the end of the file. A single read of a pipe may return fewer."""
    parts = bytearray()
    while len(parts) < count and (part := file.read(count - len(parts))):
        parts += part
    return bytes(parts)


def index_is_at_the_end(file: ForwardFile) -> bool:
    """Whether an MP4 (ISO 14496-12 §4.2) has its samples before the ``moov`` that tells what they are; rewinds."""
    read = 0
    kind = b""
    while read < INDEX_WITHIN and kind not in (b"moov", b"moof", b"mdat"):
        header = read_exactly(file, MP4_BOX_BYTES)
        size, kind = int.from_bytes(header[:4], "big"), header[4:]
        if size < MP4_BOX_BYTES or kind == b"mdat":
            break
        if kind not in (b"moov", b"moof"):
            read += len(header) + len(read_exactly(file, min(size - MP4_BOX_BYTES, INDEX_WITHIN)))
    file.rewind()
    return kind not in (b"moov", b"moof")


@contextmanager
def stored(file: ForwardFile) -> Iterator[BinaryIO]:
    """Yield a temporary file, without a name, with all that ``file`` still gives."""
    with tempfile.TemporaryFile() as copy:
        file.forget_head()
        shutil.copyfileobj(cast(BinaryIO, file), copy)
        copy.seek(0)
        yield cast(BinaryIO, copy)
