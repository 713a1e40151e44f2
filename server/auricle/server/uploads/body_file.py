"""The body of a request as a file: a decoder's thread reads it, and the event loop receives it meanwhile."""

import hashlib
from collections import deque
from collections.abc import AsyncIterator
from typing import BinaryIO, Final, cast

import trio
from starlette.requests import ClientDisconnect

READ_ALL: Final = -1
MOST_AHEAD: Final = 1 << 20
"""Bytes that are received ahead of the reader: an hour of silence is a sixth of that, and a client that has left is
noticed once all has been received."""


class BodyFile:
    """A binary file that is read once, forwards, in a worker thread of trio's, while `receive` runs beside it.

    What is received ahead of the reader is bounded: the client has to wait where the session has no credit. ``chunks``
    are of any size; a cancel of the task that the thread belongs to ends the file.
    """

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self.finished = trio.Event()
        """Set at the end of the body."""
        self.was_cut = False
        """Whether the client left before its end."""
        self._digest = hashlib.sha256()
        self._chunks = chunks
        self._ahead: deque[bytes] = deque()
        self._ahead_bytes = 0
        self._changed = trio.Event()
        self._rest = memoryview(b"")
        self._ended = False

    async def receive(self) -> None:
        """Receive the body to its end. A client that is gone is noticed only by who has received all of it before."""
        try:
            async for chunk in self._chunks:
                self._digest.update(chunk)
                self._ahead.append(chunk)
                self._ahead_bytes += len(chunk)
                self._change()
                while self._ahead_bytes >= MOST_AHEAD:
                    await self._changed.wait()
        except ClientDisconnect:
            self.was_cut = True
        self.finished.set()
        self._change()

    def read(self, size: int = READ_ALL) -> bytes:
        """Return up to ``size`` bytes, fewer where no more have come; ``b""`` at the end."""
        while not self._rest and not self._ended:
            try:
                self._rest = memoryview(trio.from_thread.run(self._next))
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

    async def _next(self) -> bytes:
        """Return the next chunk; ``b""`` at the end."""
        while not self._ahead:
            if self.finished.is_set():
                self._ended = True
                return b""
            await self._changed.wait()
        chunk = self._ahead.popleft()
        self._ahead_bytes -= len(chunk)
        self._change()
        return chunk

    def _change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
