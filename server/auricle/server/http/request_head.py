"""Read one HTTP/1.1 request head, bounded in bytes and in time, and keep its bytes for the handler."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import h11
import trio

from auricle.server.http.problem_details import Problem

HEAD_BYTES: Final = 16 * 1024


class HeadRefused(Exception):
    """The request is refused before it reaches a handler. The connection closes after `problem` has been sent."""

    def __init__(self, status: HTTPStatus, code: str, detail: str) -> None:
        super().__init__(detail)
        self.problem = Problem(status=status, code=code, detail=detail)


@dataclass(frozen=True, slots=True)
class RequestHead:
    """One request head, and the bytes received with it."""

    request: h11.Request
    raw: bytes
    """The bytes of the head as received."""
    rest: bytes
    """Bytes received beyond the head: of a body, the next request, or a WebSocket frame."""

    def values(self, name: str) -> list[bytes]:
        """Return the values of the header ``name`` (lower case), in the order of the request."""
        return [value for key, value in self.request.headers if key == name.encode()]

    @property
    def wants_websocket(self) -> bool:
        """Whether the request asks for a WebSocket (RFC 6455 §4.2.1), valid or not."""
        return [value.strip().lower() for value in self.values("upgrade")] == [b"websocket"]


async def read_head(stream: trio.abc.ReceiveStream, buffered: bytes = b"", *, timeout_s: float) -> RequestHead | None:
    """Read a request head, whose first bytes `buffered` have been received before.

    Returns None when the peer sent nothing: it closed, or `timeout_s` seconds passed without a byte.
    Raises `HeadRefused`, and `trio.BrokenResourceError` when the connection breaks.
    """
    reader = _HeadReader(buffered)
    with trio.move_on_after(timeout_s):
        while (head := reader.next()) is None:
            if not await reader.more(stream):
                return None
        return _checked(head)
    if not reader.raw:
        return None
    raise HeadRefused(HTTPStatus.REQUEST_TIMEOUT, "request_timeout", f"No complete request within {timeout_s:g} s.")


class _HeadReader:
    """Incremental reader of one request head."""

    def __init__(self, buffered: bytes) -> None:
        self.raw = bytearray()
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
        self._feed(buffered)

    def next(self) -> RequestHead | None:
        """Return the head once it is complete, else None. Raises `HeadRefused`."""
        try:
            event = self._parser.next_event()
        except h11.RemoteProtocolError:
            # Not h11's own words: they quote the line, and the line may hold a token.
            raise HeadRefused(HTTPStatus.BAD_REQUEST, "bad_request", "This is not an HTTP/1.1 request.") from None
        if isinstance(event, h11.Request):
            rest = self._parser.trailing_data[0]
            return RequestHead(event, bytes(self.raw[: len(self.raw) - len(rest)]), rest)
        if len(self.raw) >= HEAD_BYTES:
            raise HeadRefused(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                "head_too_large",
                f"A request head may have {HEAD_BYTES} bytes.",
            )
        return None

    async def more(self, stream: trio.abc.ReceiveStream) -> bool:
        """Receive more bytes; return False when the peer closed before the first one."""
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


def _checked(head: RequestHead) -> RequestHead:
    """Raise `HeadRefused` for heads that h11 accepts and this server does not."""
    if head.request.http_version not in (b"1.0", b"1.1"):
        raise HeadRefused(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "http_version", "This server speaks HTTP/1.1.")
    if head.values("transfer-encoding") and head.values("content-length"):
        # RFC 9112 §6.1: such a message "ought to be handled as an error", it may be an attempt at request smuggling.
        raise HeadRefused(HTTPStatus.BAD_REQUEST, "bad_request", "A request has a length or is chunked, not both.")
    return head
