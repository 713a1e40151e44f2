"""A wire over trio-websocket, for clients and servers."""

import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import h11
import trio
import wsproto
from trio_websocket import ConnectionClosed, ConnectionRejected, HandshakeError, WebSocketConnection
from wsproto.connection import ConnectionState

from auricle.core import PROTOCOL, Frame
from auricle.core.errors import ABNORMAL_CLOSURE
from auricle.transports.address import Address, refusal_code
from auricle.transports.trio.websocket_connection import GuardedConnection
from auricle.transports.unreachable import NOT_A_WEBSOCKET, was_cut_short, why_cut_short, why_refused, why_unreachable
from auricle.transports.wire import WireLost

RECEIVE_BYTES: Final = 64 * 1024
MESSAGE_QUEUE_SIZE: Final = 16
"""Messages that trio-websocket may queue for the reader, which takes them at once."""
UNREADABLE: Final = frozenset({1002, 1007})
"""Close codes by which a peer fails a connection because of what arrived on it (RFC 6455 §7.4.1)."""
_CONNECTION_ERRORS: Final = (ConnectionRejected, WireLost, h11.ProtocolError, wsproto.utilities.ProtocolError)
"""Exceptions that end a connection. trio-websocket's reader raises the last two: on a 101 without its headers, and on
a huge message after our Close frame."""


class WebSocketWire:
    """A `Wire` over an open trio-websocket connection and the byte stream below it."""

    def __init__(self, connection: WebSocketConnection, stream: trio.abc.Stream) -> None:
        self._connection = connection
        self._stream = stream
        self._closing: trio.Event | None = None

    @property
    def subprotocol(self) -> str | None:
        """The negotiated subprotocol."""
        return self._connection.subprotocol

    async def receive(self) -> Frame:
        """Return the next message."""
        try:
            return await self._connection.get_message()
        except ConnectionClosed as closed:
            if self._closing is not None:
                # Our Close frame is sent, but the peer may still be reading: not lost until the handshake is over.
                await self._closing.wait()
                if not self._is_answered:
                    raise WireLost("reset") from None
            raise self._lost(closed) from None

    async def send(self, frame: Frame) -> None:
        """Send one message."""
        try:
            await self._connection.send_message(frame)
        except ConnectionClosed as closed:
            raise self._lost(closed) from None

    async def close(self, code: int, reason: str) -> None:
        """Do the closing handshake: trio-websocket reads and discards until the peer's Close frame."""
        self._closing = trio.Event()
        try:
            await self._connection.aclose(code, reason)
        finally:
            self._closing.set()

    async def ping(self) -> None:
        """Send a ping, and wait for its pong. Raises `WireLost`."""
        try:
            await self._connection.ping()
        except ConnectionClosed as closed:
            raise self._lost(closed) from None

    def before_refusal(self, last_words: Callable[[int, str], Sequence[str]]) -> None:
        """Let the peer hear these texts, by close code and reason, before a Close frame about an offence of its own."""
        if isinstance(self._connection, GuardedConnection):
            self._connection.last_words = last_words

    async def abort(self) -> None:
        """Drop the connection; but where the peer has just been told its offence, leave that to the stream's owner."""
        if isinstance(self._connection, GuardedConnection) and self._connection.offence is not None:
            return  # a reset would take the Close frame from a peer that has not read it yet
        await trio.aclose_forcefully(self._stream)

    @property
    def _is_answered(self) -> bool:
        """Whether both Close frames have been exchanged.

        trio-websocket's own ``closed`` says 1000 as soon as our Close frame is sent, also where the peer is cut.
        """
        return self._connection._wsproto.state is ConnectionState.CLOSED

    def _lost(self, closed: ConnectionClosed) -> WireLost:
        """Return ``eof`` where the peer sent a Close frame, ``reset`` where the connection ended without one.

        A Close frame of ours about the peer's offence ends a server's wire with its code: that client is not to come
        back. For a client the path is broken, and another one may not be; and so it is for a server whose client says
        that it could not read what arrived.
        """
        offence = self._connection.offence if isinstance(self._connection, GuardedConnection) else None
        if offence is not None and self._connection.is_client:
            return WireLost("reset", ABNORMAL_CLOSURE, offence[1])
        reason = closed.reason
        if reason is None or reason.code == ABNORMAL_CLOSURE:
            return WireLost("reset")
        is_answer = self._closing is not None or offence is not None
        if not self._connection.is_client and not is_answer and reason.code in UNREADABLE:
            return WireLost("reset", ABNORMAL_CLOSURE, reason.reason or f"the client could not read it ({reason.code})")
        return WireLost("eof", reason.code, reason.reason or "")


class _EndAwareStream(trio.abc.Stream):
    """A byte stream with an event for its end: trio-websocket does not wake a handshake whose connection has ended."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self.ended = trio.Event()
        self.has_answered = False
        """Whether the peer has sent anything."""

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        try:
            data = await self._stream.receive_some(max_bytes)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.ended.set()
            raise
        if data:
            self.has_answered = True
        else:
            self.ended.set()
        return bytes(data)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        try:
            await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            # A connection that is reset before the handshake is sent is never read from, and nobody else would tell.
            self.ended.set()
            raise

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        self.ended.set()
        await self._stream.aclose()


@asynccontextmanager
async def open_websocket(
    address: Address,
    headers: Sequence[tuple[str, str]],
    ssl_context: ssl.SSLContext | None,
    max_message_bytes: int,
    subprotocols: Sequence[str] = (PROTOCOL,),
) -> AsyncIterator[WebSocketWire]:
    """Open a WebSocket that offers these subprotocols, for the length of the block. Raises `WireLost` (``refused``)."""
    wire: WebSocketWire | None = None
    stream = _EndAwareStream(await _open_stream(address, ssl_context))
    try:
        async with trio.open_nursery() as nursery:
            connection = await _open_handshake(nursery, stream, address, headers, max_message_bytes, subprotocols)
            wire = WebSocketWire(connection, stream)
            yield wire
            nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        broken, others = group.split(_CONNECTION_ERRORS)
        if broken is None or others is not None:
            # A cancel, or an exception of the block, takes precedence over the loss of the wire.
            raise (others or group) from None
        lost = _first_cause(broken, address)
        if wire is None and lost.how == "reset":
            lost = _not_a_websocket_server(address) if stream.has_answered else _cut_short(address)
        raise lost from None
    finally:
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(stream)


async def _open_stream(address: Address, ssl_context: ssl.SSLContext | None) -> trio.abc.Stream:
    try:
        if address.secure:
            secure = await trio.open_ssl_over_tcp_stream(
                address.host, address.port, ssl_context=ssl_context or ssl.create_default_context()
            )
            await secure.do_handshake()
            return secure
        return await trio.open_tcp_stream(address.host, address.port)
    except (OSError, trio.BrokenResourceError, ssl.SSLError) as error:
        if was_cut_short(error):
            raise _cut_short(address) from None
        raise WireLost("refused", ABNORMAL_CLOSURE, why_unreachable(address, error)) from None


async def _open_handshake(
    nursery: trio.Nursery,
    stream: _EndAwareStream,
    address: Address,
    headers: Sequence[tuple[str, str]],
    max_message_bytes: int,
    subprotocols: Sequence[str],
) -> WebSocketConnection:
    connection: WebSocketConnection | None = None
    with trio.CancelScope() as scope:

        async def cancel_when_ended() -> None:
            await stream.ended.wait()
            scope.cancel()

        nursery.start_soon(cancel_when_ended)
        try:
            opening = GuardedConnection(
                stream,
                wsproto.WSConnection(wsproto.ConnectionType.CLIENT),
                host=address.authority,
                path=address.resource,
                client_subprotocols=list(subprotocols),
                client_extra_headers=[(name.encode(), value.encode()) for name, value in headers],
                message_queue_size=MESSAGE_QUEUE_SIZE,
                max_message_size=max_message_bytes,
                receive_buffer_size=RECEIVE_BYTES,
            )
            nursery.start_soon(opening._reader_task)
            await opening._open_handshake.wait()
            connection = opening
        except HandshakeError as error:
            raise WireLost("refused", ABNORMAL_CLOSURE, why_unreachable(address, error)) from None
    if connection is None:
        raise _not_a_websocket_server(address) if stream.has_answered else _cut_short(address)
    return connection


def _not_a_websocket_server(address: Address) -> WireLost:
    return WireLost("refused", ABNORMAL_CLOSURE, f"{address.url}: {NOT_A_WEBSOCKET}")


def _cut_short(address: Address) -> WireLost:
    return WireLost("reset", ABNORMAL_CLOSURE, why_cut_short(address))


def _first_cause(group: BaseExceptionGroup[BaseException], address: Address) -> WireLost:
    """Return the first loss in a group raised by trio-websocket's reader and this module."""
    for error in group.exceptions:
        match error:
            case WireLost():
                return error
            case ConnectionRejected(status_code=status):
                return WireLost("refused", refusal_code(status), why_refused(address, status))
            case BaseExceptionGroup():
                return _first_cause(error, address)
            case _:
                pass
    return WireLost("reset")
