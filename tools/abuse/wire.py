"""Raw connections of attackers: bytes out, and how the server ends it."""

import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import trio

from abuse.fates import HELD

RECEIVE_BYTES: Final = 64 * 1024
KEPT_BYTES: Final = 64 * 1024
"""Of what was received, its end: enough for a head or a Close frame."""
FINAL: Final = 0x80
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
BROKEN: Final = (trio.BrokenResourceError, trio.ClosedResourceError)


def request(line: str, headers: dict[str, str] | None = None) -> bytes:
    """Return the head of an HTTP request."""
    fields = {"Host": "127.0.0.1", **(headers or {})}
    return "".join(
        [f"{line} HTTP/1.1\r\n", *(f"{name}: {value}\r\n" for name, value in fields.items()), "\r\n"]
    ).encode()


def upgrade(path: str = "/ws/transcribe", **more: str) -> bytes:
    """Return a WebSocket handshake; underscores in the names of further headers stand for dashes."""
    fields = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
        "Sec-WebSocket-Version": "13",
    }
    return request(f"GET {path}", fields | {name.replace("_", "-"): value for name, value in more.items()})


def frame(opcode: int, payload: bytes = b"", *, length: int | None = None, first: int = FINAL) -> bytes:
    """Return a client's frame, masked with zeros; ``length`` is what it claims, where that is not the truth."""
    size = len(payload) if length is None else length
    if size < 126:
        told = bytes([0x80 | size])
    elif size < 1 << 16:
        told = bytes([0x80 | 126]) + size.to_bytes(2)
    else:
        told = bytes([0x80 | 127]) + size.to_bytes(8)
    return bytes([first | opcode]) + told + bytes(4) + payload


def text(message: dict[str, Any]) -> bytes:
    """Return a text frame with a JSON message."""
    return frame(TEXT, json.dumps(message).encode())


START: Final = text({"type": "start"})


class Attacker:
    """One connection to the server."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.received = b""
        self.began = trio.current_time()
        self.ended: str | None = None
        """How the server ended it on the level of TCP; None while it has not."""
        self.ended_s: float | None = None

    async def send(self, data: bytes) -> bool:
        """Send bytes; return False where the server takes none any more."""
        try:
            await self.stream.send_all(data)
        except BROKEN:
            return False
        return True

    async def receive_until(self, end: bytes) -> bool:
        """Receive until these bytes have come; return False where the server ends before."""
        while end not in self.received:
            if not await self._receive():
                return False
        return True

    async def until_gone(self, timeout_s: float) -> tuple[str, float | None]:
        """Receive until the server ends the connection; return its answer, and after how long it was gone."""
        with trio.move_on_after(timeout_s):
            while await self._receive():
                pass
        return self.answer, self.ended_s

    async def _receive(self) -> bool:
        try:
            data = await self.stream.receive_some(RECEIVE_BYTES)
            ended = None if data else "end of file"
        except BROKEN:
            data, ended = b"", "reset"
        self.received = (self.received + data)[-KEPT_BYTES:]
        if ended is not None:
            self.ended, self.ended_s = ended, trio.current_time() - self.began
        return ended is None

    @property
    def answer(self) -> str:
        """What the server said last: a status of HTTP, a Close frame, or nothing but the end of the connection."""
        return answer_in(self.received) or self.ended or HELD


def answer_in(received: bytes) -> str | None:
    """Return the answer at the end of what was received, None where there is none."""
    close = re.search(rb"\x88([\x02-\x7d])(..)([^\x88]*)\Z", received, re.DOTALL)
    if close is not None and len(close[3]) == close[1][0] - 2 and b"HTTP/1.1 101" in received:
        return f"Close {int.from_bytes(close[2])}"
    statuses = re.findall(rb"HTTP/1.1 (\d{3}) ", received)
    if statuses and statuses[-1] != b"101":
        return str(statuses[-1].decode())
    return None


@asynccontextmanager
async def attacking(port: int) -> AsyncIterator[Attacker]:
    """Connect for the length of the block. Raises `OSError` where the server does not take it."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    try:
        yield Attacker(stream)
    finally:
        await trio.aclose_forcefully(stream)


@asynccontextmanager
async def in_session(port: int, **headers: str) -> AsyncIterator[Attacker]:
    """The same, with a WebSocket and a session on it that the server has said to be ready."""
    async with attacking(port) as attacker:
        await attacker.send(upgrade(**headers) + START)
        await attacker.receive_until(b'"ready"')
        attacker.began = trio.current_time()
        yield attacker


async def send_on(attacker: Attacker, data: bytes, seconds: float) -> None:
    """Send the same again and again until the server takes no more, or so many seconds have gone by."""
    with trio.move_on_after(seconds), suppress(*BROKEN):
        while await attacker.send(data):
            pass
