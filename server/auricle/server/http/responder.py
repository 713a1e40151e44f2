"""The HTTP/1.1 responder: one request in, one response out, with h11.

The listener reads the head of the next request, which may ask for a WebSocket.
"""

import logging
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

import h11
import trio

from auricle.server.http.negotiation import path_of
from auricle.server.http.problem_details import Problem
from auricle.server.http.request_head import HEAD_BYTES
from auricle.server.http.routing import Request, Response, Routes, answer, problem_response

logger = logging.getLogger(__name__)

BODY_BYTES: Final = 64 * 1024
"""Maximum bytes of a request body that are read and discarded to keep the connection alive."""
BODY_TIMEOUT_S: Final = 5.0
RECEIVE_BYTES: Final = 16 * 1024


async def serve_http(
    stream: trio.abc.Stream, first_request_bytes: bytes, *, routes: Routes, closing: trio.Event | None = None
) -> bytes | None:
    """Answer the request that `first_request_bytes` begin with.

    Returns the bytes received beyond the request, for the next one; None when the connection has to close, as it does
    while `closing` is set. Raises what the handler raises, after a 500 response has been sent.
    """
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
    parser.receive_data(first_request_bytes)
    request = parser.next_event()
    assert isinstance(request, h11.Request), "the listener hands over a complete head"
    must_close = not await _skip_body(parser, stream) or (closing is not None and closing.is_set())
    routed = Request(request.method.decode(), path_of(request.target.decode()), _joined(request))
    try:
        response = await answer(routes, routed)
    except Exception:
        failed = Problem(status=HTTPStatus.INTERNAL_SERVER_ERROR, code="internal", detail="The server failed.")
        await stream.send_all(_rendered(parser, routed, problem_response(failed), ("close",)))
        raise
    await stream.send_all(_rendered(parser, routed, response, ("close",) if must_close else ()))
    if parser.our_state is h11.DONE and parser.their_state is h11.DONE:
        return parser.trailing_data[0]
    return None


def _joined(request: h11.Request) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in request.headers:  # names are in lower case
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def _skip_body(parser: h11.Connection, stream: trio.abc.Stream) -> bool:
    """Read and discard the body; return False where it is too long, too slow, malformed, or awaits 100 Continue."""
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
    """Return the whole response as bytes, for a single write."""
    headers = [
        ("Date", formatdate(usegmt=True)),
        ("Content-Type", response.content_type),
        ("Content-Length", str(len(response.body))),
        ("Cache-Control", response.cache_control),
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
