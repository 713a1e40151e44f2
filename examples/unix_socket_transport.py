"""A transport of one's own in under 60 lines: frames with a length in front, over a Unix socket, with trio."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import trio

from auricle.core import PROTOCOL
from auricle.transports.wire import WireLost

HELLO, TEXT, BINARY, CLOSE = b"h", b"t", b"b", b"c"
GONE = (trio.BrokenResourceError, trio.ClosedResourceError)


class SocketWire:
    """Kind (1 byte), length (3 bytes), payload. A close is a frame too: its code in two bytes, and its reason."""

    subprotocol: str | None = None

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream, self._unread = stream, b""
        self._writing, self._over = trio.Lock(), trio.Event()

    async def receive(self) -> str | bytes:
        kind, payload = await self.read()
        if kind != CLOSE:
            return payload.decode() if kind == TEXT else payload
        self._over.set()
        with suppress(WireLost):  # answer, so that the peer knows that all has been read; an answer's answer is unread
            await self.write(CLOSE, payload)
        raise WireLost("eof", int.from_bytes(payload[:2]), payload[2:].decode())

    async def send(self, frame: str | bytes) -> None:
        if self._over.is_set():
            raise WireLost("eof")
        await (self.write(TEXT, frame.encode()) if isinstance(frame, str) else self.write(BINARY, frame))

    async def close(self, code: int, reason: str) -> None:
        await self.write(CLOSE, code.to_bytes(2) + reason.encode())
        await self._over.wait()  # `receive` goes on meanwhile, in the driver's other task

    async def abort(self) -> None:
        await trio.aclose_forcefully(self._stream)

    async def write(self, kind: bytes, payload: bytes) -> None:
        try:
            async with self._writing:
                await self._stream.send_all(kind + len(payload).to_bytes(3) + payload)
        except GONE as error:
            raise WireLost("reset", reason=str(error)) from None

    async def read(self) -> tuple[bytes, bytes]:
        while len(self._unread) < (size := 4 + int.from_bytes(self._unread[1:4])):
            received: bytes | bytearray = b""
            with suppress(*GONE):
                received = await self._stream.receive_some()  # cancelled here, nothing is lost
            if not received:
                self._over.set()
                raise WireLost("reset")  # an end without a close frame is a broken connection
            self._unread += received
        frame, self._unread = self._unread[:size], self._unread[size:]
        return frame[:1], frame[4:]


async def greet(wire: SocketWire) -> SocketWire:
    """Both ends say what they speak. The server's end: ``serve_wire(await greet(SocketWire(stream)))``."""
    await wire.write(HELLO, PROTOCOL.encode())
    if await wire.read() == (HELLO, PROTOCOL.encode()):
        wire.subprotocol = PROTOCOL
    return wire


@asynccontextmanager
async def open_unix_socket(path: str) -> AsyncIterator[SocketWire]:
    """The client's end: what a `Client` opens its wire with."""
    try:
        stream = await trio.open_unix_socket(path)
    except OSError as error:
        raise WireLost("refused", reason=str(error)) from None
    async with stream:
        yield await greet(SocketWire(stream))
