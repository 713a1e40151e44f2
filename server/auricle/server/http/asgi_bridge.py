"""An ASGI 3 bridge on h11: an application answers one request of a connection that the listener has accepted.

The listener reads the head of each request, which may ask for a WebSocket; whatever does not comes here.
"""

from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

import h11
import trio
from starlette.types import ASGIApp, Message, Scope

from auricle.server.http.buffered_stream import BufferedStream
from auricle.server.http.http_limits import HTTP_DEFAULTS
from auricle.server.http.negotiation import path_of
from auricle.server.http.problem_details import SERVER_FAILED, Problem
from auricle.server.http.request_head import HEAD_BYTES
from auricle.transports.trio.fair_count import FairCount
from auricle.transports.trio.frame_budget import FrameBudget

UNREAD_BODY_BYTES: Final = 64 * 1024
"""Maximum bytes of a body, in which no application is interested, that are discarded to keep the connection alive."""
UNREAD_BODY_TIMEOUT_S: Final = 5.0
RECEIVE_BYTES: Final = 64 * 1024
CHUNKS_PER_TURN: Final = 64
"""Chunks of a body that are parsed before other tasks get their turn: about a millisecond of work."""
TOO_MANY_CHUNKS: Final = "The body is in too many small chunks."
DEFAULT_HEADERS: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
"""Headers of every response that does not say otherwise."""

_BODYLESS: Final = b"HEAD"


class ResponseAborted(Exception):
    """Raised by an application whose response has begun and cannot be finished: the connection ends in the middle."""


async def serve_http(
    stream: BufferedStream,
    first_request_bytes: bytes,
    *,
    app: ASGIApp,
    closing: trio.Event | None = None,
    secure: bool = False,
    body_stall_s: float = HTTP_DEFAULTS.body_stall_s,
) -> bytes | None:
    """Let an application answer the request that ``first_request_bytes`` begin with.

    ``secure`` says whether the connection has TLS. Returns the bytes received beyond the request, for the next one;
    None when the connection has to close, as it does while ``closing`` is set. Raises what the application raises,
    after a 500 response has been sent, where none had begun.
    """
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
    parser.receive_data(first_request_bytes)
    request = parser.next_event()
    assert isinstance(request, h11.Request), "the listener hands over a complete head"
    exchange = _Exchange(parser, stream, request.method, lambda: closing is not None and closing.is_set(), body_stall_s)
    try:
        await app(_scope(request, stream.peer, secure=secure), exchange.receive, exchange.send)
    except ResponseAborted:
        return None
    except Exception:
        await exchange.fail()
        raise
    if not exchange.over:
        await exchange.fail()
        raise RuntimeError("the application did not finish its response")
    if parser.our_state is h11.DONE and parser.their_state is h11.DONE:
        return parser.trailing_data[0]
    return None


def _scope(request: h11.Request, peer: str, *, secure: bool) -> Scope:
    target = request.target.decode("ascii")
    path = path_of(target)
    host, _, port = peer.rpartition(":")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": request.http_version.decode(),
        "method": request.method.decode(),
        "scheme": "https" if secure else "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": target.partition("?")[2].encode(),
        "root_path": "",
        "headers": list(request.headers),
        "client": (host, int(port)) if port.isdecimal() else None,
        "server": None,
    }


class _Exchange:
    """One request and its response: the ``receive`` and ``send`` of an ASGI application."""

    def __init__(
        self,
        parser: h11.Connection,
        stream: BufferedStream,
        method: bytes,
        closing: Callable[[], bool],
        body_stall_s: float,
    ) -> None:
        self._parser = parser
        self._stream = stream
        self._method = method
        self._closing = closing
        self._body_stall_s = body_stall_s
        self._head: Message | None = None
        """The beginning of the response, until its first bytes come: they go into one write."""
        self._reads_body = False
        self._chunks = FairCount(CHUNKS_PER_TURN, FrameBudget(now=trio.current_time()))
        self._gone = False
        """Whether the client has closed, or has sent what is no body; it is told nothing more."""

    @property
    def over(self) -> bool:
        """Whether there is nothing more to send."""
        return self._gone or self._parser.our_state not in (h11.SEND_RESPONSE, h11.SEND_BODY)

    async def receive(self) -> Message:
        """Return the next bytes of the body; behind the last, wait until the client closes.

        A client that closes its half of the connection behind its request counts as gone: nothing tells it from one
        that has closed altogether.
        """
        self._reads_body = True
        if self._parser.they_are_waiting_for_100_continue:
            await self._send_event(h11.InformationalResponse(status_code=HTTPStatus.CONTINUE, headers=[]))
        while not self._gone:
            if self._parser.their_state is not h11.SEND_BODY:
                await self._wait_until_gone()
                break
            message = await self._next_of_body()
            if message is not None:
                return message
        return {"type": "http.disconnect"}

    async def _next_of_body(self) -> Message | None:
        """Return what the next bytes are to the application, or None where they complete nothing."""
        try:
            match self._parser.next_event():
                case h11.Data(data=data, chunk_end=chunk_end):
                    if chunk_end and not await self._chunks.allows(len(data)):
                        await self._give_up(HTTPStatus.BAD_REQUEST, "bad_request", TOO_MANY_CHUNKS)
                        return None
                    return {"type": "http.request", "body": bytes(data), "more_body": True}
                case h11.EndOfMessage():
                    return {"type": "http.request", "body": b"", "more_body": False}
                case _:
                    with trio.move_on_after(self._body_stall_s) as patience:
                        data = await self._stream.receive_some(RECEIVE_BYTES)
                        self._parser.receive_data(data)
        except h11.RemoteProtocolError:
            await self._give_up(HTTPStatus.BAD_REQUEST, "bad_request", "The body of the request is malformed or cut.")
            return None
        if patience.cancelled_caught:
            why = f"Nothing of the body has come for {self._body_stall_s:g} s."
            await self._give_up(HTTPStatus.REQUEST_TIMEOUT, "request_timeout", why)
        return None

    async def _give_up(self, status: HTTPStatus, code: str, why: str) -> None:
        """Answer for the application, unless it has begun to, and count the client as gone."""
        if self._parser.our_state is h11.SEND_RESPONSE:
            await self._stream.send_all(Problem(status=status, code=code, detail=why).response())
        self._gone = True

    async def _wait_until_gone(self) -> None:
        while len(self._parser.trailing_data[0]) < UNREAD_BODY_BYTES:
            data = await self._stream.receive_some(RECEIVE_BYTES)
            if not data:
                self._gone = True
                return
            self._parser.receive_data(data)  # the client's next request, which has to wait
        await trio.sleep_forever()

    async def send(self, message: Message) -> None:
        """Send a part of the response."""
        if self._gone:
            return
        match message["type"]:
            case "http.response.start":
                self._head = message
            case "http.response.body":
                await self._send_body(message.get("body", b""), more=message.get("more_body", False))
            case kind:
                raise RuntimeError(f"this server knows no {kind}")

    async def _send_body(self, body: bytes, *, more: bool) -> None:
        events: list[h11.Event] = []
        if self._head is not None:
            if not self._reads_body:
                await self._skip_body()
            events.append(self._response(self._head))
            self._head = None
        if body and self._method != _BODYLESS:
            events.append(h11.Data(data=body))
        if not more:
            events.append(h11.EndOfMessage())
        await self._send_event(*events)

    async def _send_event(self, *events: h11.Event) -> None:
        data = b"".join(part for event in events if (part := self._parser.send(event)))
        if data:
            await self._stream.send_all(data)

    def _response(self, head: Message) -> h11.Response:
        given: list[tuple[bytes, bytes]] = list(head.get("headers", ()))
        names = {name.lower() for name, _ in given}
        headers = [(b"date", formatdate(usegmt=True).encode()), *given]
        headers += [(name, value) for name, value in DEFAULT_HEADERS if name not in names]
        if self._closing() or self._parser.their_state is not h11.DONE:
            headers.append((b"connection", b"close"))
        return h11.Response(status_code=head["status"], headers=headers)

    async def _skip_body(self) -> None:
        """Read and discard the body, unless it is too long, too slow, malformed, or awaits 100 Continue."""
        skipped = 0
        with trio.move_on_after(UNREAD_BODY_TIMEOUT_S):
            while skipped <= UNREAD_BODY_BYTES and not self._parser.they_are_waiting_for_100_continue:
                try:
                    match self._parser.next_event():
                        case h11.EndOfMessage():
                            return
                        case h11.Data(data=data, chunk_end=chunk_end):
                            skipped += len(data)
                            if chunk_end and not await self._chunks.allows(len(data)):
                                return
                        case _:
                            self._parser.receive_data(await self._stream.receive_some(RECEIVE_BYTES))
                except h11.RemoteProtocolError:
                    return

    async def fail(self) -> None:
        """Answer with 500, where no answer has begun and there is somebody to hear it."""
        if not self._gone and self._parser.our_state is h11.SEND_RESPONSE:
            await self._stream.send_all(SERVER_FAILED.response())
            self._gone = True
