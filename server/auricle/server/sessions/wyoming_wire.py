"""A wire of Wyoming's events over TCP: a line of JSON, perhaps more of its data, perhaps a payload.

Source: ``wyoming/event.py`` of the wyoming package.
"""

import json
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

import trio

from auricle.core import Frame, Limits
from auricle.server.dialects.wyoming import END
from auricle.transports.trio.fair_count import FairCount
from auricle.transports.trio.frame_budget import FrameBudget
from auricle.transports.wire import WireLost

EVENTS_PER_TURN: Final = 32
"""Events that are read before other tasks get their turn: about a millisecond of work."""
GONE: Final = (trio.BrokenResourceError, trio.ClosedResourceError)


class BadEvent(Exception):
    """An event cannot be read. The message is a clause; ``code`` an error code."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


class WyomingWire:
    """A `Wire` over a TCP stream: an event is a text frame, and its payload a binary one behind it.

    ``describe`` is answered here, by ``info``, which waits for the engine: it needs no session. The end of what the
    client sends is the event ``end``, as what it waits for still comes. Close codes have no frame.
    """

    subprotocol: str | None = None

    def __init__(self, stream: trio.SocketStream, limits: Limits, info: Callable[[], Awaitable[str]]) -> None:
        self._stream = stream
        self._limits = limits
        self._info = info
        self._unread = bytearray()
        self._head: tuple[dict[str, Any], int, int] | None = None
        """The line of the event that is being read, and how much is to follow: its data, its payload."""
        self._frames: deque[Frame] = deque()
        self._writing = trio.Lock()
        self._ended = False
        self._over = trio.Event()
        self._events = FairCount(EVENTS_PER_TURN, FrameBudget(now=trio.current_time()))

    async def first(self) -> bool:
        """Wait for the first event that wants a session; return whether there is one. It is received again."""
        try:
            self._frames.appendleft(await self.receive())
        except WireLost:
            return False
        return self._frames[0] != END

    async def receive(self) -> Frame:
        """Return the next event or payload; `END` once behind the last. Raises `WireLost`."""
        while not self._frames:
            if self._ended:
                await self._over.wait()
                raise WireLost("eof", 1000)
            try:
                body = await self._read_event()
            except BadEvent as bad:
                self._ended = True
                return json.dumps({"type": "error", "data": {"text": str(bad), "code": bad.code}})
            if body is None:
                self._ended = True
                return END
            if body.get("type") == "describe":
                await self.send(await self._info())
        return self._frames.popleft()

    async def send(self, frame: Frame) -> None:
        """Send one event. Raises `WireLost`."""
        assert isinstance(frame, str), "nothing that is sent has a payload"
        try:
            async with self._writing:
                await self._stream.send_all(frame.encode("utf-8", "replace") + b"\n")
        except GONE as error:
            raise WireLost("reset", reason=str(error)) from None

    async def close(self, code: int, reason: str) -> None:
        """Say that no more comes, and read to the end of what the client sends."""
        try:
            await self._stream.send_eof()
            while not self._ended and await self._stream.receive_some():
                pass
        except (*GONE, trio.BusyResourceError):
            pass  # the reader is at it
        self._over.set()

    async def abort(self) -> None:
        """Drop the connection."""
        self._over.set()
        await trio.aclose_forcefully(self._stream)

    async def _read_event(self) -> dict[str, Any] | None:
        """Read an event, and queue it with its payload; None at the end. Raises `BadEvent`. A cancel loses nothing."""
        if self._head is None:
            line = await self._read_line()
            if line is None:
                return None
            self._head = _head(line, self._limits)
        body, data_length, payload_length = self._head
        while len(self._unread) < data_length + payload_length:
            if not await self._receive_more():
                return None
        self._head = None
        data = body.get("data") if isinstance(body.get("data"), dict) else {}
        if data_length:
            data = {**(data or {}), **_parsed(self._taken(data_length))}
        payload = self._taken(payload_length)
        if not await self._events.allows(payload_length):
            raise BadEvent("bad_message", "too many events come that hold no audio")
        if body.get("type") != "describe":
            self._frames.append(json.dumps({"type": body.get("type"), "data": data}))
            if payload:
                self._frames.append(payload)
        return body

    async def _read_line(self) -> bytes | None:
        longest = self._limits.max_start_bytes
        while (end := self._unread.find(b"\n")) < 0:
            if len(self._unread) > longest:
                raise BadEvent("too_large", f"an event may have {longest} bytes before its payload")
            if not await self._receive_more():
                return None
        return self._taken(end + 1)

    async def _receive_more(self) -> bool:
        try:
            received = await self._stream.receive_some()
        except GONE:
            return False
        self._unread += received
        return bool(received)

    def _taken(self, count: int) -> bytes:
        taken = bytes(self._unread[:count])
        del self._unread[:count]
        return taken


def _head(line: bytes, limits: Limits) -> tuple[dict[str, Any], int, int]:
    """Return the line of an event, and the lengths of its data and its payload. Raises `BadEvent`."""
    body = _parsed(line)
    data_length, payload_length = (_length(body.pop(key, None)) for key in ("data_length", "payload_length"))
    if data_length > limits.max_start_bytes or payload_length > limits.max_audio_bytes:
        raise BadEvent("too_large", f"a payload may have {limits.max_audio_bytes} bytes")
    return body, data_length, payload_length


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise BadEvent("bad_message", "an event begins with a line of JSON") from None
    if not isinstance(body, dict):
        raise BadEvent("bad_message", "an event is a JSON object")
    return body


def _length(value: object) -> int:
    if value is None:
        return 0
    if type(value) is not int or value < 0:
        raise BadEvent("bad_message", "a length is a number of bytes")
    return value
