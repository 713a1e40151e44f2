"""The body of a request as a file: a decoder's thread reads it, and the event loop receives it meanwhile."""

import hashlib
from collections.abc import AsyncIterator
from typing import BinaryIO, Final, cast

import trio
from starlette.requests import ClientDisconnect

READ_ALL: Final = -1


class BodyFile:
    """A binary file that is read once, forwards, in a worker thread of trio's.

    Nothing is received before it is read, and no more than one chunk waits: the client has to wait where the session
    has no credit. ``chunks`` are of any size; a cancel of the task that the thread belongs to ends the file.
    """

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self.finished = trio.Event()
        """Set at the end of the body."""
        self.was_cut = False
        """Whether the client left before its end."""
        self._digest = hashlib.sha256()
        self._chunks = chunks
        self._rest = memoryview(b"")
        self._ended = False

    def read(self, size: int = READ_ALL) -> bytes:
        """Return up to ``size`` bytes, fewer where no more have come; ``b""`` at the end."""
        while not self._rest and not self._ended:
            try:
                self._rest = memoryview(trio.from_thread.run(self._receive))
            except trio.Cancelled:
                # It would pass through libraries in C, which are told of an end instead; the task is cancelled anyway.
                self._ended = True
        count = len(self._rest) if size < 0 else size
        data, self._rest = bytes(self._rest[:count]), self._rest[count:]
        return data

    @property
    def file(self) -> BinaryIO:
        """Itself, as the readers of recordings know files: they read, and ask whether they can seek."""
        return cast(BinaryIO, self)

    @property
    def sha256(self) -> str:
        """The hash of what has been received, in hexadecimal."""
        return self._digest.hexdigest()

    def seekable(self) -> bool:
        """Return False."""
        return False

    async def _receive(self) -> bytes:
        try:
            chunk = await anext(self._chunks, None)
        except ClientDisconnect:
            self.was_cut, chunk = True, None
        if chunk is None:
            self._ended = True
            self.finished.set()
            return b""
        self._digest.update(chunk)
        return chunk
