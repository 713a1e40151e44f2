"""A byte stream with a push-back buffer for bytes already read, and with a write timeout."""

from typing import Final

import trio

from auricle.core import Limits

WRITE_STALL_S: Final = Limits().write_stall_s
"""Seconds that a write may block. Nothing else detects a peer that has stopped reading: a ping would queue behind the
blocked write (operations.md §1.3)."""


class BufferedStream(trio.abc.HalfCloseableStream):
    """The byte stream of one client connection.

    A write that is blocked for `write_stall_s` seconds raises `trio.BrokenResourceError`. A write that did not finish,
    for whatever reason, may have left half a frame on the wire, so every later one raises it too.
    """

    def __init__(
        self, stream: trio.abc.HalfCloseableStream, *, peer: str = "", write_stall_s: float = WRITE_STALL_S
    ) -> None:
        self.peer = peer
        """Address of the client: ``address:port``."""
        self.answered = False
        """Whether a write has begun since the last `rewind`."""
        self.closed = False
        self.broken = False
        """Whether a write was left unfinished; nothing can be sent after it."""
        self._stream = stream
        self._write_stall_s = write_stall_s
        self._head = b""
        self._rest = b""
        self._response_begun = trio.Event()
        self._response_begun.set()

    def __repr__(self) -> str:
        """Return the peer: trio-websocket uses ``repr(stream)`` as ``request.remote`` where it is no socket."""
        return self.peer or super().__repr__()

    def rewind(self, head: bytes, rest: bytes) -> None:
        """Push back `head` and `rest`: reads return `head`, then `rest`, in separate chunks, then new data.

        **Nothing after the head is returned until a response is being sent**: bytes that trio-websocket receives
        between the request and its own 101 never reach its frame parser. A conforming client sends no frame before the
        101; a proxy that coalesces, or a hostile client, may.
        """
        self.answered = False
        self._head = head
        self._rest = rest
        self._response_begun = trio.Event()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Receive at most `max_bytes` bytes; ``b""`` at the end of the stream."""
        if self._head:
            await trio.lowlevel.checkpoint()
            chunk, self._head = _split(self._head, max_bytes)
            return chunk
        await self._response_begun.wait()  # a checkpoint even when it is set
        if self.closed or not self._rest:
            return bytes(await self._stream.receive_some(max_bytes))
        chunk, self._rest = _split(self._rest, max_bytes)
        return chunk

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of `data`. Raises `trio.BrokenResourceError`, also when the write stalls."""
        self.answered = True
        self._response_begun.set()
        if self.broken:
            raise trio.BrokenResourceError("an earlier write did not finish")
        self.broken = True
        with trio.move_on_after(self._write_stall_s) as deadline:
            await self._stream.send_all(data)
            self.broken = False
        if deadline.cancelled_caught:
            raise trio.BrokenResourceError(f"the peer has read nothing for {self._write_stall_s:g} s")

    async def wait_send_all_might_not_block(self) -> None:
        """As `trio.abc.SendStream.wait_send_all_might_not_block`."""
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """Send end-of-file."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """Close the underlying stream, and wake a task that waits in `receive_some`."""
        self.closed = True
        self._response_begun.set()
        await self._stream.aclose()


def _split(data: bytes, max_bytes: int | None) -> tuple[bytes, bytes]:
    size = len(data) if max_bytes is None else max_bytes
    return data[:size], data[size:]
