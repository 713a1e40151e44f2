"""A wire over aiohttp's WebSocket client, which LiveKit Agents uses too."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from aiohttp import (
    BaseConnector,
    ClientConnectorError,
    ClientError,
    ClientOSError,
    ClientResponse,
    ClientSession,
    ClientWebSocketResponse,
    ClientWSTimeout,
    ServerDisconnectedError,
    WSMsgType,
    WSServerHandshakeError,
)

from auricle.core import PROTOCOL, Frame
from auricle.core.errors import ABNORMAL_CLOSURE, NORMAL_CLOSURE
from auricle.transports.address import Address, refusal_code
from auricle.transports.unreachable import was_cut_short, why_cut_short, why_refused, why_unreachable
from auricle.transports.wire import WireLost


class _WebSocket(ClientWebSocketResponse):
    """aiohttp's WebSocket, with access to its transport, which it does not expose."""

    def __init__(
        self, reader: Any, writer: Any, protocol: str | None, response: ClientResponse, *rest: Any, **options: Any
    ) -> None:
        super().__init__(reader, writer, protocol, response, *rest, **options)
        assert response.connection is not None, "aiohttp has just checked it"
        self._transport = response.connection.transport

    @property
    def is_lost(self) -> bool:
        """Whether the connection is closed or closing."""
        return self._transport is None or self._transport.is_closing()

    def abort(self) -> None:
        """Drop the connection and all buffered data."""
        if self._transport is not None:
            self._transport.abort()

    def release(self) -> None:
        """Give the connection back, whose end aiohttp has not noticed where the reader was cancelled. Idempotent."""
        self._response.close()


class WebSocketWire:
    """A `Wire` over an open aiohttp WebSocket and the HTTP session that owns it."""

    def __init__(self, websocket: _WebSocket, http: ClientSession) -> None:
        self._websocket = websocket
        self._http = http
        self._closing: asyncio.Event | None = None

    @property
    def subprotocol(self) -> str | None:
        """The negotiated subprotocol."""
        return self._websocket.protocol

    async def receive(self) -> Frame:
        """Return the next message."""
        message = await self._websocket.receive()
        match message.type:
            case WSMsgType.TEXT | WSMsgType.BINARY:
                frame: Frame = message.data
                return frame
            case WSMsgType.CLOSE:
                # RFC 6455 §5.5.1: a Close frame is answered; without autoclose aiohttp leaves that to us.
                await self._websocket.close(code=message.data or NORMAL_CLOSURE)
                raise WireLost("eof", message.data or 1005, message.extra or "")
            case WSMsgType.CLOSING if self._closing is not None:
                # Our Close frame is sent, but the peer may still be reading: not lost until the handshake is over.
                await self._closing.wait()
                if self._websocket.close_code in (None, ABNORMAL_CLOSURE):
                    raise WireLost("reset")
                raise WireLost("eof", self._websocket.close_code)
            case WSMsgType.ERROR:
                raise WireLost("reset", ABNORMAL_CLOSURE, str(message.data))
            case _:
                # aiohttp reports an end of file without a Close frame as a clean 1000; it is not one.
                raise WireLost("reset")

    async def send(self, frame: Frame) -> None:
        """Send one message."""
        try:
            if isinstance(frame, str):
                await self._websocket.send_str(frame)
            else:
                await self._websocket.send_bytes(frame)
        except (ClientError, ConnectionError, RuntimeError) as error:
            raise WireLost("reset", ABNORMAL_CLOSURE, str(error)) from None
        if self._websocket.is_lost:
            # aiohttp lets a blocked send return without an error when the connection is lost.
            raise WireLost("reset")

    async def close(self, code: int, reason: str) -> None:
        """Do the closing handshake: aiohttp reads and discards until the peer's Close frame."""
        self._closing = asyncio.Event()
        try:
            await self._websocket.close(code=code, message=reason.encode())
        finally:
            self._closing.set()

    async def abort(self) -> None:
        """Drop the connection and all buffered data: a close would wait for a peer that does not read."""
        self._websocket.abort()
        await self._http.close()


@asynccontextmanager
async def open_websocket(
    address: Address,
    headers: Sequence[tuple[str, str]],
    ssl_context: ssl.SSLContext | None,
    max_message_bytes: int,
    *,
    connector: BaseConnector | None = None,
) -> AsyncIterator[WebSocketWire]:
    """Open a WebSocket that offers ``auricle.v1``, for the length of the block. Raises `WireLost` (``refused``).

    ``connector``: one of the application's own, which stays open; None makes one.
    """
    owned = connector is None
    async with ClientSession(connector=connector, connector_owner=owned, ws_response_class=_WebSocket) as http:
        try:
            websocket = await http.ws_connect(
                address.url,
                protocols=(PROTOCOL,),
                headers=list(headers),
                ssl=ssl_context or True,
                autoclose=False,
                max_msg_size=max_message_bytes,
                # The core's close timer bounds the closing handshake.
                timeout=ClientWSTimeout(ws_close=None),
                compress=0,
            )
        except WSServerHandshakeError as error:
            # The status is 101 where the server does upgrade, and its answer is no good.
            refused = error.status != HTTPStatus.SWITCHING_PROTOCOLS
            why = why_refused(address, error.status) if refused else why_unreachable(address, error)
            raise WireLost("refused", refusal_code(error.status), why) from None
        except (ServerDisconnectedError, ClientOSError) as error:
            if isinstance(error, ClientConnectorError) and not was_cut_short(error):
                raise WireLost("refused", ABNORMAL_CLOSURE, why_unreachable(address, error)) from None
            raise WireLost("reset", ABNORMAL_CLOSURE, why_cut_short(address)) from None
        except (ClientError, OSError, ValueError) as error:
            raise WireLost("refused", ABNORMAL_CLOSURE, why_unreachable(address, error)) from None
        assert isinstance(websocket, _WebSocket), "it was asked for above"
        try:
            yield WebSocketWire(websocket, http)
        finally:
            websocket.release()
