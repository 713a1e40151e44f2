"""Read one request head, bounded in bytes and time, and keep the bytes for whoever answers it."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import h11
import trio

from auricle.server.problem import Problem

HEAD_BYTES: Final = 16 * 1024
HEAD_TIMEOUT_S: Final = 5.0
"""Seconds for the whole head, so a client that sends a byte now and then (slow loris) gains nothing by it."""


class HeadRefused(Exception):
    """What came is not a request we answer. `problem` says why; after it the connection closes."""

    def __init__(self, status: HTTPStatus, code: str, detail: str) -> None:
        super().__init__(detail)
        self.problem = Problem(status=status, code=code, detail=detail)


@dataclass(frozen=True, slots=True)
class Head:
    """One request head, and what arrived with it."""

    request: h11.Request
    raw: bytes
    """The head as it was on the wire."""
    rest: bytes
    """What had been read beyond it: a body, the next request, or a frame."""

    def values(self, name: str) -> list[bytes]:
        """Return the values of a header, in the order they were sent; its name in lower case."""
        return [value for key, value in self.request.headers if key == name.encode()]

    @property
    def wants_websocket(self) -> bool:
        """Whether the client asked for a WebSocket (RFC 6455 §4.2.1), however badly."""
        return [value.strip().lower() for value in self.values("upgrade")] == [b"websocket"]


async def read_head(
    stream: trio.abc.ReceiveStream, buffered: bytes = b"", *, timeout_s: float = HEAD_TIMEOUT_S
) -> Head | None:
    """Read a request head, of which `buffered` has been read before.

    Returns None when the peer has said nothing: it closed, or `timeout_s` seconds went by without a byte.
    Raises `HeadRefused`, and `trio.BrokenResourceError` where the connection broke.
    """
    reading = _Reading(buffered)
    with trio.move_on_after(timeout_s):
        while (head := reading.next()) is None:
            if not await reading.more(stream):
                return None
        return _checked(head)
    if not reading.raw:
        return None
    raise HeadRefused(HTTPStatus.REQUEST_TIMEOUT, "request_timeout", f"No complete request within {timeout_s:g} s.")


class _Reading:
    """The bytes of a head that is not complete yet."""

    def __init__(self, buffered: bytes) -> None:
        self.raw = bytearray()
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
        self._feed(buffered)

    def next(self) -> Head | None:
        try:
            event = self._parser.next_event()
        except h11.RemoteProtocolError:
            # Not h11's own words: they quote the line, and the line may hold a token.
            raise HeadRefused(HTTPStatus.BAD_REQUEST, "bad_request", "This is not an HTTP/1.1 request.") from None
        if isinstance(event, h11.Request):
            rest = self._parser.trailing_data[0]
            return Head(event, bytes(self.raw[: len(self.raw) - len(rest)]), rest)
        if len(self.raw) >= HEAD_BYTES:
            raise HeadRefused(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                "head_too_large",
                f"A request head may have {HEAD_BYTES} bytes.",
            )
        return None

    async def more(self, stream: trio.abc.ReceiveStream) -> bool:
        """Read on; False where the peer closed without a word."""
        data = bytes(await stream.receive_some(HEAD_BYTES - len(self.raw)))
        if not data and not self.raw:
            return False
        self._feed(data)
        if not data:
            self._parser.receive_data(b"")
        return True

    def _feed(self, data: bytes) -> None:
        self.raw += data
        if data:
            self._parser.receive_data(data)


def _checked(head: Head) -> Head:
    """Refuse what h11 lets through and no honest client sends."""
    if head.request.http_version not in (b"1.0", b"1.1"):
        raise HeadRefused(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "http_version", "This server speaks HTTP/1.1.")
    if head.values("transfer-encoding") and head.values("content-length"):
        # RFC 9112 §6.1: such a message "ought to be handled as an error", it may be an attempt at request smuggling.
        raise HeadRefused(HTTPStatus.BAD_REQUEST, "bad_request", "A request has a length or is chunked, not both.")
    return head
