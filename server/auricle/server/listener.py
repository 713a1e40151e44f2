"""One port for everything: accept, read the head, and hand the connection to the WebSocket or the HTTP side."""

import errno
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final

import trio
from trio_websocket import ConnectionClosed

from auricle.core import Limits
from auricle.core.errors import AuricleError
from auricle.server.handshake import handshake_problem
from auricle.server.head import HEAD_TIMEOUT_S, Head, HeadRefused, read_head
from auricle.server.linger import linger
from auricle.server.negotiation import read_offer
from auricle.server.problem import Problem
from auricle.server.replay import Replay
from auricle.server.upgrade import OnWebSocket, serve_upgrade

logger = logging.getLogger(__name__)

KEEP_ALIVE_S: Final = 5.0
"""Seconds between a response and the whole head of the next request."""
MAX_CONNECTIONS: Final = 1000
"""Below the usual limit of 1024 open files; one more is told 503."""

HIGHEST_PORT: Final = 65535

OnHttp = Callable[[trio.abc.HalfCloseableStream, bytes], Awaitable[bytes | None]]
"""Answers one request, or more, that begins with these bytes. Returns what it read beyond, or None to close."""


class ListenError(AuricleError):
    """The address cannot be listened on; the message is one sentence for the operator."""


@dataclass(slots=True)
class Counts:
    """How connections have gone since the start."""

    open: int = 0
    """Now."""
    accepted: int = 0
    websockets: int = 0
    """Handed to the WebSocket handler."""
    requests: int = 0
    """Handed to the HTTP handler."""
    refused: int = 0
    """Not a request, too slow, too big, a bad handshake, or one connection too many."""
    lost: int = 0
    """Broken by the peer or the network under a handler that did not expect it."""
    failed: int = 0
    """Ended by an exception of ours."""


class Server:
    """A running listener. Made by `serve_tcp`; by hand only to serve streams that come from elsewhere."""

    def __init__(
        self,
        *,
        on_websocket: OnWebSocket,
        on_http: OnHttp,
        limits: Limits | None = None,
        max_connections: int = MAX_CONNECTIONS,
        closing: trio.Event | None = None,
        addresses: Sequence[str] = (),
        port: int = 0,
    ) -> None:
        self.counts = Counts()
        self.addresses = tuple(addresses)
        """Every ``address:port`` that is listened on."""
        self.port = port
        """Of the first of them: with port 0 and a name that has several addresses, each gets its own."""
        self.closing = trio.Event() if closing is None else closing
        """Set when no new connection is wanted."""
        self._on_websocket = on_websocket
        self._on_http = on_http
        self._limits = limits or Limits()
        self._max_connections = max_connections

    def stop_accepting(self) -> None:
        """Take no new connections; those that are open go on. HTTP connections close after their present request."""
        self.closing.set()

    async def serve_connection(self, stream: trio.abc.HalfCloseableStream, *, peer: str = "") -> None:
        """Serve one client and close. An exception costs this one connection, never the server."""
        wire = Replay(stream, peer=peer, write_stall_s=self._limits.write_stall_s)
        self.counts.accepted += 1
        self.counts.open += 1
        try:
            await self._converse(wire)
        except* (ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError):
            self.counts.lost += 1
            logger.debug("%s went away", wire.peer)
        except* Exception as failure:
            self.counts.failed += 1
            logger.error("The connection of %s failed", wire.peer, exc_info=failure)
        finally:
            try:
                await linger(wire)
            finally:
                self.counts.open -= 1

    async def _converse(self, wire: Replay) -> None:
        try:
            if self.counts.open > self._max_connections:
                raise HeadRefused(HTTPStatus.SERVICE_UNAVAILABLE, "capacity", "The server has no free connection.")
            head = await read_head(wire, timeout_s=HEAD_TIMEOUT_S)
            while head is not None and not head.wants_websocket:
                self.counts.requests += 1
                last = self.closing.is_set()
                left = await self._on_http(wire, head.raw + head.rest)
                if left is None or last:
                    return
                head = await read_head(wire, left, timeout_s=KEEP_ALIVE_S)
        except HeadRefused as refusal:
            await self._refuse(wire, refusal.problem)
            return
        if head is not None:
            await self._upgrade(wire, head)

    async def _upgrade(self, wire: Replay, head: Head) -> None:
        problem = handshake_problem(head.request)
        if problem is not None:
            await self._refuse(wire, problem)
            return
        self.counts.websockets += 1
        wire.rewind(head.raw, head.rest)
        offer = read_offer(head.request.target.decode(), list(head.request.headers))
        await serve_upgrade(wire, offer, self._on_websocket, self._limits)

    async def _refuse(self, wire: Replay, problem: Problem) -> None:
        self.counts.refused += 1
        logger.info("%s was refused: %d %s", wire.peer, problem.status, problem.code)
        await wire.send_all(problem.response())


async def serve_tcp(
    host: str | None,
    port: int,
    *,
    on_websocket: OnWebSocket,
    on_http: OnHttp,
    limits: Limits | None = None,
    max_connections: int = MAX_CONNECTIONS,
    closing: trio.Event | None = None,
    task_status: trio.TaskStatus[Server] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Listen on TCP until `closing` is set, then until the last connection has ended. Starts with a `Server`.

    `host` None is every address, IPv4 and IPv6; port 0 any free port. Cancel it to drop the connections too.
    Raises `ListenError`. TCP_NODELAY is on: trio sets it on every socket stream.
    """
    listeners = await _bind(host, port)
    names = [listener.socket.getsockname() for listener in listeners]
    server = Server(
        on_websocket=on_websocket,
        on_http=on_http,
        limits=limits,
        max_connections=max_connections,
        closing=closing,
        addresses=[_address(name) for name in names],
        port=names[0][1],
    )

    async def serve(stream: trio.SocketStream) -> None:
        await server.serve_connection(stream, peer=_peer(stream))

    async with trio.open_nursery() as connections, trio.open_nursery() as accepting:
        accepting.start_soon(partial(trio.serve_listeners, serve, listeners, handler_nursery=connections))
        task_status.started(server)
        await server.closing.wait()
        accepting.cancel_scope.cancel()


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
    except OSError:  # it has gone already
        return ""
