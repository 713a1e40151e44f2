"""Answer one HTTP/1.1 request with h11. The listener reads the next head, which may ask for a WebSocket."""

import logging
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

import h11
import trio

from auricle.server.head import HEAD_BYTES
from auricle.server.negotiation import path_of
from auricle.server.problem import Problem
from auricle.server.routing import Request, Response, Routes, answer, problem_response

logger = logging.getLogger(__name__)

BODY_BYTES: Final = 64 * 1024
"""Bytes of a body that are read and thrown away, so that the connection can be used again."""
BODY_TIMEOUT_S: Final = 5.0
RECEIVE_BYTES: Final = 16 * 1024


async def serve_http(
    stream: trio.abc.Stream, first_request_bytes: bytes, *, routes: Routes, closing: trio.Event | None = None
) -> bytes | None:
    """Answer the request that `first_request_bytes` begin with.

    Returns what was read beyond the request, so that the connection can go on with it; None when it has to close.
    Raises what the handler raises, after the client was told 500. While `closing` is set the connection is not kept.
    """
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
    parser.receive_data(first_request_bytes)
    request = parser.next_event()
    assert isinstance(request, h11.Request), "the listener hands over a complete head"
    must_close = not await _skip_body(parser, stream) or (closing is not None and closing.is_set())
    asked = Request(request.method.decode(), path_of(request.target.decode()))
    try:
        response = await answer(routes, asked)
    except Exception:
        failed = Problem(status=HTTPStatus.INTERNAL_SERVER_ERROR, code="internal", detail="The server failed.")
        await stream.send_all(_rendered(parser, asked, problem_response(failed), ("close",)))
        raise
    await stream.send_all(_rendered(parser, asked, response, ("close",) if must_close else ()))
    if parser.our_state is h11.DONE and parser.their_state is h11.DONE:
        return parser.trailing_data[0]
    return None


async def _skip_body(parser: h11.Connection, stream: trio.abc.Stream) -> bool:
    """Read the body to its end; False where it is too long, too slow, malformed, or has not been sent yet."""
    skipped = 0
    with trio.move_on_after(BODY_TIMEOUT_S):
        while skipped <= BODY_BYTES and not parser.they_are_waiting_for_100_continue:
            try:
                match parser.next_event():
                    case h11.EndOfMessage():
                        return True
                    case h11.Data(data=data):
                        skipped += len(data)
                    case _:
                        parser.receive_data(bytes(await stream.receive_some(RECEIVE_BYTES)))
            except h11.RemoteProtocolError:
                return False
    return False


def _rendered(parser: h11.Connection, request: Request, response: Response, connection: tuple[str, ...]) -> bytes:
    """Return the response as bytes: one write, one packet."""
    headers = [
        ("Date", formatdate(usegmt=True)),
        ("Content-Type", response.content_type),
        ("Content-Length", str(len(response.body))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        *response.headers,
        *(("Connection", option) for option in connection),
    ]
    encoded = [(name.encode(), value.encode()) for name, value in headers]
    parts = [parser.send(h11.Response(status_code=response.status, headers=encoded))]
    if request.method != "HEAD":
        parts.append(parser.send(h11.Data(data=response.body)))
    parts.append(parser.send(h11.EndOfMessage()))
    return b"".join(part for part in parts if part)
