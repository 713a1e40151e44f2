"""A byte stream that can be given back what was read from it, and whose writes have a deadline."""

from typing import Final

import trio

from auricle.core import Limits

WRITE_STALL_S: Final = Limits().write_stall_s
"""Seconds a write may be blocked. Nothing else frees a writer whose peer has stopped reading: a ping would queue behind
it (operations.md §1.3)."""


class Replay(trio.abc.HalfCloseableStream):
    """The stream of one client's connection.

    A write that is blocked for `write_stall_s` seconds raises `trio.BrokenResourceError`. A write that did not finish,
    for whatever reason, may have left half a frame on the wire, so every later one raises it too.
    """

    def __init__(
        self, stream: trio.abc.HalfCloseableStream, *, peer: str = "", write_stall_s: float = WRITE_STALL_S
    ) -> None:
        self.peer = peer
        """Where the client is: ``address:port``."""
        self.answered = False
        """Something has been sent since the last `rewind`, or begun to be."""
        self.closed = False
        self.broken = False
        """Half a write is on the wire; nothing can be said any more."""
        self._stream = stream
        self._write_stall_s = write_stall_s
        self._head = b""
        self._rest = b""
        self._open = trio.Event()
        self._open.set()

    def __repr__(self) -> str:
        """Return the peer: trio-websocket tells ``repr(stream)`` as ``request.remote`` of a stream it does not know."""
        return self.peer or super().__repr__()

    def rewind(self, head: bytes, rest: bytes) -> None:
        """Return `head` again, then `rest`, each as chunks of their own, and then what is on the wire.

        **Nothing after the head is returned until an answer is being sent**: what trio-websocket is given between the
        request and its own 101 never reaches its frame parser. No honest client sends a frame before the 101; a
        proxy that coalesces, or a hostile client, may.
        """
        self.answered = False
        self._head = head
        self._rest = rest
        self._open = trio.Event()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return at most `max_bytes` bytes, or none at the end."""
        if self._head:
            await trio.lowlevel.checkpoint()
            chunk, self._head = _split(self._head, max_bytes)
            return chunk
        await self._open.wait()  # a checkpoint even when it is set
        if self.closed or not self._rest:
            return bytes(await self._stream.receive_some(max_bytes))
        chunk, self._rest = _split(self._rest, max_bytes)
        return chunk

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of `data`. Raises `trio.BrokenResourceError` also when the peer has not read for too long."""
        self.answered = True
        self._open.set()
        if self.broken:
            raise trio.BrokenResourceError("an earlier write did not finish")
        self.broken = True
        with trio.move_on_after(self._write_stall_s) as deadline:
            await self._stream.send_all(data)
            self.broken = False
        if deadline.cancelled_caught:
            raise trio.BrokenResourceError(f"the peer has read nothing for {self._write_stall_s:g} s")

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until a write may go through at once."""
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """Say that nothing more will come."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """Close the stream below, and wake whoever waits to read."""
        self.closed = True
        self._open.set()
        await self._stream.aclose()


def _split(data: bytes, max_bytes: int | None) -> tuple[bytes, bytes]:
    size = len(data) if max_bytes is None else max_bytes
    return data[:size], data[size:]
