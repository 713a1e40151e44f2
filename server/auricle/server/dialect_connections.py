"""Connections of clients that speak a dialect: over WebSockets whose path names it, and over TCP for Wyoming.

Here a dialect meets its wire. What the client says is translated in `auricle.server.dialects`; admission and the
session itself are the server's.
"""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib import metadata
from socket import socket as ListeningSocket
from typing import Final

import trio

from auricle.core import Limits
from auricle.core.errors import ERROR_CODES
from auricle.server.dialects import wyoming
from auricle.server.dialects.handshake import FeedSubscription, Handshake, OpenDialect, Refused
from auricle.server.http.authorisation import deny_upgrade, log_denied, presented_key
from auricle.server.http.listener import serve_streams
from auricle.server.http.silent_places import SilentPlaces
from auricle.server.http.upgrade import Upgrade
from auricle.server.keys.access import Denied
from auricle.server.models.pool import ModelPool
from auricle.server.recordings.decoder_process import DecoderProcess
from auricle.server.sessions.call_key import LATE_KEYS, read_call_key
from auricle.server.sessions.caller import Caller
from auricle.server.sessions.decoding_wire import DecodingWire
from auricle.server.sessions.last_words import last_words
from auricle.server.sessions.session_keys import SessionKeys
from auricle.server.sessions.transcript_feed import FeedWire, TranscriptFeeds, serve_listener
from auricle.server.sessions.wyoming_wire import WyomingWire
from auricle.transports.trio.server import Connection, serve_wire
from auricle.transports.trio.websocket import WebSocketWire
from auricle.transports.wire import Wire

MOST_WYOMING: Final = 64
"""Connections of Wyoming at a time: of Home Assistant and its satellites in one house."""
MOST_SILENT_WYOMING: Final = MOST_WYOMING // 2
"""Of them, those that want no session yet."""
RunSession = Callable[[str, Connection, Caller, WebSocketWire | None], Awaitable[None]]
"""Runs the session with an id on a connection of a client, over a WebSocket where it is one."""


class DialectConnections:
    """Those of one server."""

    def __init__(
        self,
        limits: Limits,
        models: ModelPool,
        keys: SessionKeys,
        decoders: DecoderProcess,
        run_session: RunSession,
    ) -> None:
        self._limits: Final = limits
        self._models = models
        self._keys = keys
        self._decoders = decoders
        self._run_session = run_session
        self._feeds = TranscriptFeeds()
        self._silent_wyoming = SilentPlaces(MOST_SILENT_WYOMING)

    def drain(self) -> None:
        """End the feeds that no call fills any more: nobody waits for them. Idempotent."""
        self._feeds.end_idle()

    async def serve_upgrade(self, upgrade: Upgrade, open_dialect: OpenDialect) -> None:
        """Serve a client whose path names its dialect: the handshake says all that there is to know of it."""
        session_id = uuid.uuid4().hex
        caller = self._caller(upgrade)
        if isinstance(caller, Denied):
            await deny_upgrade(upgrade, caller, session_id)
            return
        opening = open_dialect(self._handshake(upgrade, session_id))
        wire: Wire
        if isinstance(opening, Refused):
            await upgrade.reject(opening.status, extra_headers=opening.response_headers, body=opening.body)
            return
        if isinstance(opening, FeedSubscription):
            wire = WebSocketWire(await upgrade.accept(), upgrade.stream)
            await serve_listener(self._feeds.feed(opening.key), wire)
            return
        headers = [(name.encode(), value.encode()) for name, value in opening.headers]
        accepted = await upgrade.accept(subprotocol=opening.subprotocol, extra_headers=headers)
        wire = socket = WebSocketWire(accepted, upgrade.stream)
        if caller is None:
            key, wire = await read_call_key(wire, self._limits.hello_timeout_s)
            caller = self._keys.let_in(upgrade.peer, key)
            if isinstance(caller, Denied):
                log_denied(caller, upgrade.offer.path, upgrade.peer)
                await wire.close(ERROR_CODES["unauthorized"].close_code, caller.message)
                return
        if opening.feed is not None:
            wire = FeedWire(wire, self._feeds, opening.feed)
        decoding = None if opening.media is None else DecodingWire(wire, opening.media, self._decoders)
        async with serve_wire(
            decoding or wire,
            limits=opening.limits or self._limits,
            dialect=opening.dialect,
            opening=opening.messages,
        ) as connection:
            if opening.feed is None:
                socket.before_refusal(partial(last_words, connection.session))
            if decoding is not None:
                decoding.on_failure = partial(_fail_for_media, connection)
            await self._run_session(session_id, connection, caller, socket)

    def _handshake(self, upgrade: Upgrade, session_id: str) -> Handshake:
        return Handshake(
            session_id=session_id,
            query=upgrade.offer.query,
            subprotocols=upgrade.offer.subprotocols,
            created=datetime.now(UTC),
            limits=self._limits,
            models=self._models.names,
        )

    def _caller(self, upgrade: Upgrade) -> Caller | Denied | None:
        """Return who asks, or why it gets no session now; None: its key comes with its first messages."""
        key = presented_key(upgrade.offer)
        if key is None and self._keys.access.has_keys and upgrade.offer.path in LATE_KEYS:
            return None
        caller = self._keys.let_in(upgrade.peer, key)
        if isinstance(caller, Denied):
            return caller
        return self._keys.access.too_many(caller.grant) or caller

    async def listen_for_wyoming(
        self,
        host: str,
        port: int,
        closing: trio.Event,
        *,
        sockets: Sequence[ListeningSocket] = (),
        task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve Wyoming's connections until ``closing`` is set and the last has ended. Starts with the port.

        ``sockets`` listen already, and take the place of ``host`` and ``port``.
        """
        await serve_streams(
            host, port, self.serve_wyoming, closing, most=MOST_WYOMING, sockets=sockets, task_status=task_status
        )

    async def serve_wyoming(self, stream: trio.SocketStream, peer: str) -> None:
        """Serve one connection of Wyoming; it is a session from the first event on that wants more than `describe`."""
        limits = replace(self._limits, legacy_idle_timeout_s=wyoming.IDLE_S)
        wire = WyomingWire(stream, limits, self._wyoming_info)
        try:
            begun = False
            with trio.move_on_after(wyoming.IDLE_S), self._silent_wyoming.place():
                begun = await wire.first()
            if not begun:
                return
            dialect = wyoming.WyomingConnection(limits=limits)
            async with serve_wire(wire, limits=limits, dialect=dialect) as connection:
                await self._run_session(uuid.uuid4().hex, connection, Caller(peer), None)
        finally:
            with trio.CancelScope(shield=True):
                await wire.abort()

    async def _wyoming_info(self) -> str:
        default = await self._models.default.actor.loaded()
        others = [info for model in self._models if (info := model.info) is not None and info is not default]
        told = [wyoming.ToldModel(info.model, info.name, info.languages) for info in (default, *others)]
        return wyoming.info_event(told, version=metadata.version("auricle"))


def _fail_for_media(connection: Connection, why: str) -> None:
    connection.post(lambda now: connection.session.fail("unsupported_data", why, now=now))
