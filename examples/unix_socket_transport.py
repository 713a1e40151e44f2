"""A transport of one's own in under 60 lines: frames with a length in front, over a Unix socket, with trio."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from auricle.core import PROTOCOL
from auricle.transports.wire import WireLost

HELLO, TEXT, BINARY, CLOSE = b"h", b"t", b"b", b"c"
MOST_BYTES = 4 * 1024 * 1024


class SocketWire:
    """Five bytes, kind and length, then the payload. A close is a frame too: its code in two bytes, its reason."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.subprotocol: str | None = None
        self._stream, self._unread = stream, bytearray()
        self._writing, self._over = trio.Lock(), trio.Event()
        self._closing, self._end = False, None

    async def receive(self) -> str | bytes:
        if self._end is None:
            try:
                kind, payload = await self.read()
                if kind != CLOSE:
                    return payload.decode() if kind == TEXT else payload
                self._end = WireLost("eof", int.from_bytes(payload[:2]), payload[2:].decode())
                if not self._closing:  # we were told first: answer, so that the peer knows that all has been read
                    await self.write(CLOSE, payload)
            except WireLost as lost:
                self._end = self._end or lost
            self._over.set()
        raise self._end

    async def send(self, frame: str | bytes) -> None:
        if self._end is not None:
            raise self._end
        await (self.write(TEXT, frame.encode()) if isinstance(frame, str) else self.write(BINARY, frame))

    async def close(self, code: int, reason: str) -> None:
        self._closing = True
        await self.write(CLOSE, code.to_bytes(2) + reason.encode())
        await self._over.wait()  # `receive` goes on meanwhile, in the driver's other task

    async def abort(self) -> None:
        await trio.aclose_forcefully(self._stream)

    async def write(self, kind: bytes, payload: bytes) -> None:
        try:
            async with self._writing:
                await self._stream.send_all(kind + len(payload).to_bytes(4) + payload)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise WireLost("reset", reason=str(error)) from None

    async def read(self) -> tuple[bytes, bytes]:
        while len(self._unread) < (size := 5 + int.from_bytes(self._unread[1:5])):  # a cancel here loses nothing
            try:
                received = await self._stream.receive_some()
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise WireLost("reset", reason=str(error)) from None
            if not received or size > MOST_BYTES:
                raise WireLost("reset")  # an end of file without a close frame is a broken connection
            self._unread += received
        frame = bytes(self._unread[:size])
        del self._unread[:size]
        return frame[:1], frame[5:]


@asynccontextmanager
async def open_unix_socket(path: str) -> AsyncIterator[SocketWire]:
    """The client's end: what a `Client` opens its wire with."""
    try:
        stream = await trio.open_unix_socket(path)
    except OSError as error:
        raise WireLost("refused", reason=str(error)) from None
    async with stream:
        wire = SocketWire(stream)
        await wire.write(HELLO, PROTOCOL.encode())
        wire.subprotocol = (await wire.read())[1].decode() or None
        yield wire


async def accept(stream: trio.abc.Stream) -> SocketWire:
    """The server's end: what `serve_wire` serves."""
    wire = SocketWire(stream)
    _, offer = await wire.read()
    wire.subprotocol = PROTOCOL if offer == PROTOCOL.encode() else None
    await wire.write(HELLO, (wire.subprotocol or "").encode())
    return wire
