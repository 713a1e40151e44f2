"""The TCP listener: accepts connections, reads request heads, and dispatches to the WebSocket or the HTTP handler."""

import errno
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final

import trio
from trio_websocket import ConnectionClosed

from auricle.core import Limits
from auricle.core.errors import AuricleError
from auricle.server.http.buffered_stream import BufferedStream
from auricle.server.http.handshake import handshake_problem
from auricle.server.http.http_limits import HTTP_DEFAULTS, HttpLimits
from auricle.server.http.lingering_close import close_lingering
from auricle.server.http.negotiation import path_of, read_offer
from auricle.server.http.operator_routes import HEALTH_PATHS
from auricle.server.http.problem_details import Problem
from auricle.server.http.request_head import HeadRefused, RequestHead, read_head
from auricle.server.http.silent_places import SilentPlaces
from auricle.server.http.tls import TlsStream
from auricle.server.http.upgrade import OnWebSocket, serve_upgrade

logger = logging.getLogger(__name__)

RESERVED_CONNECTIONS: Final = 8
"""Connections beyond the most there may be, which may ask for the health of the server, and for nothing else: a probe
that is refused because a healthy server is full would have it killed."""
RESERVED_HEAD_TIMEOUT_S: Final = 1.0

HIGHEST_PORT: Final = 65535

OnHttp = Callable[[BufferedStream, bytes], Awaitable[bytes | None]]
"""Answers the request that these bytes begin with. Returns the bytes read beyond it, or None to close."""


class ListenError(AuricleError):
    """The listener cannot bind its address. The message is one sentence for the operator."""


@dataclass(slots=True)
class ConnectionCounts:
    """Counters of connections and requests since the start."""

    open: int = 0
    """Open at this moment."""
    accepted: int = 0
    websockets: int = 0
    """Handed to the WebSocket handler."""
    requests: int = 0
    """Handed to the HTTP handler."""
    refused: int = 0
    """Malformed, slow or oversized request heads, bad handshakes, and connections over the limit."""
    lost: int = 0
    """Broken by the peer or the network while a handler ran."""
    failed: int = 0
    """Ended by an exception of a handler."""


class Server:
    """A running listener. Made by `serve_tcp`; make one directly to serve streams that are not TCP sockets."""

    def __init__(
        self,
        *,
        on_websocket: OnWebSocket,
        on_http: OnHttp,
        limits: Limits | None = None,
        http: HttpLimits = HTTP_DEFAULTS,
        closing: trio.Event | None = None,
        addresses: Sequence[str] = (),
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.counts = ConnectionCounts()
        self.addresses = tuple(addresses)
        """Every ``address:port`` of the listener."""
        self.port = port
        """Port of the first address: with port 0 and a host name of several addresses, each address gets its own."""
        self.tls = tls
        """The context of connections that are accepted from now on; None: they have no TLS."""
        self.closing = trio.Event() if closing is None else closing
        """Set when no new connections are accepted; open WebSockets go on, and others end with their request."""
        self._on_websocket = on_websocket
        self._on_http = on_http
        self._limits = limits or Limits()
        self._http = http
        self._reserved = SilentPlaces(RESERVED_CONNECTIONS)
        """For connections over the limit that have not said yet what they want."""

    async def serve_connection(self, transport: trio.abc.HalfCloseableStream, *, peer: str = "") -> None:
        """Serve one connection and close it. Exceptions are logged and counted; they never reach the caller."""
        stream = BufferedStream(transport, peer=peer, write_stall_s=self._limits.write_stall_s)
        self.counts.accepted += 1
        self.counts.open += 1
        try:
            await self._serve_requests(stream)
        except* (ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError):
            self.counts.lost += 1
            logger.debug("%s: connection lost", stream.peer)
        except* Exception as failure:
            self.counts.failed += 1
            logger.error("%s: connection failed", stream.peer, exc_info=failure)
        finally:
            try:
                await close_lingering(stream)
            finally:
                self.counts.open -= 1

    async def _serve_requests(self, stream: BufferedStream) -> None:
        try:
            if self.counts.open > self._http.max_connections:
                await self._serve_health(stream)
                return
            head = await read_head(stream, timeout_s=self._http.head_timeout_s)
            while head is not None and not head.wants_websocket:
                self.counts.requests += 1
                last = self.closing.is_set()
                left = await self._on_http(stream, head.raw + head.rest)
                if left is None or last:
                    return
                head = await read_head(stream, left, timeout_s=self._http.keep_alive_s)
        except HeadRefused as refusal:
            await self._refuse(stream, refusal.problem)
            return
        if head is not None:
            await self._upgrade(stream, head)

    async def _serve_health(self, stream: BufferedStream) -> None:
        """Answer one request for the server's health on a connection over the limit; refuse any other."""
        head = None
        with self._reserved.place() as place:
            head = await read_head(stream, timeout_s=RESERVED_HEAD_TIMEOUT_S)
            if head is None:
                return
        if place.cancelled_caught or head is None or not _asks_for_health(head):
            raise HeadRefused(HTTPStatus.SERVICE_UNAVAILABLE, "capacity", "The server has no free connection.")
        self.counts.requests += 1
        await self._on_http(stream, head.raw + head.rest)

    async def _upgrade(self, stream: BufferedStream, head: RequestHead) -> None:
        problem = handshake_problem(head.request)
        if problem is not None:
            await self._refuse(stream, problem)
            return
        self.counts.websockets += 1
        stream.rewind(head.raw, head.rest)
        offer = read_offer(head.request.target.decode(), list(head.request.headers))
        await serve_upgrade(stream, offer, self._on_websocket, self._limits)

    async def _refuse(self, stream: BufferedStream, problem: Problem) -> None:
        self.counts.refused += 1
        logger.warning("request refused", extra={"peer": stream.peer, "status": problem.status, "code": problem.code})
        await stream.send_all(problem.response())


def _asks_for_health(head: RequestHead) -> bool:
    return not head.wants_websocket and path_of(head.request.target.decode()) in HEALTH_PATHS


async def serve_tcp(
    host: str | None,
    port: int,
    *,
    on_websocket: OnWebSocket,
    on_http: OnHttp,
    limits: Limits | None = None,
    http: HttpLimits = HTTP_DEFAULTS,
    closing: trio.Event | None = None,
    tls: ssl.SSLContext | None = None,
    sockets: Sequence[socket.socket] = (),
    task_status: trio.TaskStatus[Server] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Accept TCP connections until `closing` is set, then serve until the last one has ended. Starts with a `Server`.

    `host` None binds every address, IPv4 and IPv6; port 0 any free port. ``sockets`` listen already, and take the place
    of both. With ``tls``, every connection has TLS. A cancel drops open connections.
    Raises `ListenError`. TCP_NODELAY is on: trio sets it on every socket stream.
    """
    listeners = _adopt(sockets) or await _bind(host, port)
    names = [listener.socket.getsockname() for listener in listeners]
    server = Server(
        on_websocket=on_websocket,
        on_http=on_http,
        limits=limits,
        http=http,
        closing=closing,
        addresses=[_address(name) for name in names],
        port=names[0][1],
        tls=tls,
    )

    async def serve(stream: trio.SocketStream) -> None:
        peer = _peer(stream)
        await server.serve_connection(stream if server.tls is None else TlsStream(stream, server.tls), peer=peer)

    async with trio.open_nursery() as connections, trio.open_nursery() as accepting:
        accepting.start_soon(partial(trio.serve_listeners, serve, listeners, handler_nursery=connections))
        task_status.started(server)
        await server.closing.wait()
        accepting.cancel_scope.cancel()


async def serve_streams(
    host: str | None,
    port: int,
    serve: Callable[[trio.SocketStream, str], Awaitable[None]],
    closing: trio.Event,
    *,
    most: int,
    sockets: Sequence[socket.socket] = (),
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Accept TCP connections of another protocol until `closing` is set, then serve until the last one has ended.

    There are ``most`` at a time; one more is closed at once. ``serve`` gets a stream and its peer; what it raises is
    logged. ``sockets`` listen already, and take the place of ``host`` and ``port``. Starts with the port. Raises
    `ListenError`.
    """
    listeners = _adopt(sockets) or await _bind(host, port)

    count = 0

    async def served(stream: trio.SocketStream) -> None:
        nonlocal count
        peer = _peer(stream)
        count += 1
        try:
            if count > most:
                logger.warning("connection refused", extra={"peer": peer, "code": "capacity"})
                await trio.aclose_forcefully(stream)
            else:
                await serve(stream, peer)
        except Exception:
            logger.exception("%s: connection failed", peer)
        finally:
            count -= 1

    async with trio.open_nursery() as connections, trio.open_nursery() as accepting:
        accepting.start_soon(partial(trio.serve_listeners, served, listeners, handler_nursery=connections))
        task_status.started(listeners[0].socket.getsockname()[1])
        await closing.wait()
        accepting.cancel_scope.cancel()


def _adopt(sockets: Sequence[socket.socket]) -> list[trio.SocketListener]:
    return [trio.SocketListener(trio.socket.from_stdlib_socket(each)) for each in sockets]


async def _bind(host: str | None, port: int) -> list[trio.SocketListener]:
    where = f"{host or 'every address'}, port {port}"
    if not 0 <= port <= HIGHEST_PORT:
        # getaddrinfo would take it modulo 65536.
        raise ListenError(f"Cannot listen on {where}: ports go from 0 to {HIGHEST_PORT}.")
    try:
        return await trio.open_tcp_listeners(port, host=host)
    except (OSError, UnicodeError) as error:
        raise ListenError(f"Cannot listen on {where}: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    match error:
        case UnicodeError() | socket.gaierror() | OSError(errno=errno.EADDRNOTAVAIL):
            return "this machine has no such address"
        case OSError(errno=errno.EADDRINUSE):
            return "another program listens there already"
        case OSError(errno=errno.EACCES):
            return "permission denied; ports below 1024 are reserved, choose a higher one"
        case _:
            return str(error)


def _address(name: tuple[str, int]) -> str:
    host, port, *_ = name
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _peer(stream: trio.SocketStream) -> str:
    try:
        return _address(stream.socket.getpeername())
    except OSError:  # the connection is closed already
        return ""
