"""The server as one object: the listener, the engine actor, the open sessions, and the drain that ends them."""

import ssl
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import trio
from starlette.routing import BaseRoute

from auricle.core import Start
from auricle.core.messages import Resume
from auricle.core.node import session_id
from auricle.engines.loading import EngineLoader, LoadStage
from auricle.engines.protocol import Engine
from auricle.server.dialect_connections import DialectConnections
from auricle.server.http import listener
from auricle.server.http.asgi_bridge import serve_http
from auricle.server.http.authorisation import deny_upgrade, presented_key
from auricle.server.http.negotiation import LOOPBACK_OF, Reject, is_loopback_host, negotiate
from auricle.server.http.upgrade import Upgrade
from auricle.server.http_app import http_app, http_routes
from auricle.server.keys.access import Denied
from auricle.server.keys.api_key import Keyring
from auricle.server.metrics.loop_lag import watch_lag
from auricle.server.metrics.registry import ServerMetrics
from auricle.server.metrics.session_metrics import SessionMetrics
from auricle.server.models.pool import ModelPool, Source
from auricle.server.overview import Overview
from auricle.server.recordings.decoder_process import DecoderProcess
from auricle.server.second_opinions import ALONE, SecondOpinions, second_opinions
from auricle.server.server_config import DEFAULT_PORT as DEFAULT_PORT
from auricle.server.server_config import ServerConfig as ServerConfig
from auricle.server.server_config import access_of, models_of
from auricle.server.sessions.admission import Refusal, key_refusal, no_place, reason_of_denial
from auricle.server.sessions.caller import UNKNOWN, Caller
from auricle.server.sessions.conversation import Conversation
from auricle.server.sessions.draining import DrainProgress
from auricle.server.sessions.greetings import Greetings
from auricle.server.sessions.last_words import last_words
from auricle.server.sessions.line_keeper import keep_line
from auricle.server.sessions.local_client import local_client
from auricle.server.sessions.places import Places
from auricle.server.sessions.registry import SessionRegistry, shut_down
from auricle.server.sessions.session_keys import SessionKeys
from auricle.server.sessions.session_log import log_session_end
from auricle.server.sessions.watchers import SessionsWatchers
from auricle.server.status import ServerStatus
from auricle.server.telemetry.loading import exported_traces, incoming, traced
from auricle.server.uploads.doors import Doors
from auricle.server.wyoming_announcement import announce
from auricle.transports.address import DEFAULT_PATH, Address
from auricle.transports.trio.client import Client
from auricle.transports.trio.server import Connection, serve_wire
from auricle.transports.trio.websocket import WebSocketWire
from auricle.transports.wire import Wire

if TYPE_CHECKING:
    from auricle.server.telemetry.tracing import Tracing


class SpeechServer:
    """A running server. Made by `running_server`."""

    def __init__(
        self,
        config: ServerConfig,
        source: Source,
        tracing: "Tracing | None" = None,
        others: SecondOpinions = ALONE,
    ) -> None:
        self._config = config
        self._speech = others.speech(config)
        self._keys = SessionKeys(access_of(config), config.usage_file)
        self._tracing = tracing
        self._metrics = ServerMetrics()
        observers = (self._metrics,) if tracing is None else (self._metrics, tracing)
        self._watchers = SessionsWatchers(observers)
        self._models = ModelPool(config.models or (None,), source, observers=observers, tries=config.tries_models)
        self._decoders = DecoderProcess(most_stored_bytes=config.max_upload_bytes)
        self._dialects = DialectConnections(config.limits, self._models, self._keys, self._decoders, self._run_session)
        self._keys.access.on_denied = lambda denied: self._watchers.refused(reason_of_denial(denied.code))
        self._registry = SessionRegistry()
        self._conversations = Places[Conversation](
            most=config.max_sessions, most_per_peer=config.max_sessions_per_peer, most_waiting=config.max_detached
        )
        self._greetings = Greetings(config.limits)
        self._drain = trio.Event()
        self.overview: Final = Overview(
            self._models,
            self._conversations,
            node=config.node_name,
            max_sessions=config.max_sessions,
            is_draining=self._drain.is_set,
        )
        self._metrics.scrape(self.overview.reading)
        self._stopped = trio.Event()
        self._listener: listener.Server | None = None
        self.wyoming_port: int | None = None
        """The port on which Wyoming is spoken, once it is."""

    @property
    def url(self) -> str:
        """A WebSocket URL that this machine can connect to, also where the server listens on all addresses."""
        return self._address.url

    @property
    def page_url(self) -> str:
        """The address of the page, for a browser of this machine."""
        return f"http{'s' if self._address.secure else ''}://{self._address.authority}/"

    @property
    def _address(self) -> Address:
        assert self._listener is not None, "a server is handed out once it listens"
        host = LOOPBACK_OF.get(self._config.host, self._config.host)
        return Address(host, self._listener.port, DEFAULT_PATH, secure=self._config.tls is not None)

    @property
    def sessions(self) -> int:
        """Number of open sessions."""
        return len(self._conversations)

    @property
    def detached(self) -> int:
        """Number of open sessions whose client is gone, and may come back."""
        return self._conversations.waiting

    @property
    def draining(self) -> bool:
        """Whether `drain` has been called."""
        return self._drain.is_set()

    async def engine_ready(self) -> str:
        """Wait until all models answer, and name the engine and the default one. Raises `EngineUnavailable`."""
        return await self._models.answers()

    async def engine_loaded(self) -> str:
        """The same, before any model has been tried: for somebody who has audio for it at once."""
        return await self._models.loaded()

    @property
    def loading(self) -> LoadStage:
        """The loading stage of the model that is loaded now."""
        return next((model for model in self._models if model.actor.is_loading), self._models.default).actor.stage

    @property
    def models(self) -> tuple[str, ...]:
        """What clients can ask for."""
        return self._models.names

    @property
    def fallback_reason(self) -> str | None:
        """One sentence on why a fallback engine is in use; None where the first choice is."""
        return self._models.default.actor.note

    def status(self) -> ServerStatus:
        """Return what the server does just now."""
        return self.overview.status()

    def routes(self) -> list[BaseRoute]:
        """Return every route of the HTTP application."""
        return http_routes(self.overview, self._metrics, self._models, self._doors())

    def drain(self) -> None:
        """Accept no new sessions, and hand the open ones on where their clients can go on elsewhere. Idempotent.

        The others, which cannot be resumed or whose input has ended, still get their last finals.
        """
        self._drain.set()  # also stops the listener from accepting
        self._greetings.drain()
        self._registry.shut_down()
        self._dialects.drain()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until `drain` has been called and the last session has ended. Raises `ListenError`."""
        self.overview.began_at = trio.current_time()
        app = http_app(self.routes(), self._doors())
        listen = partial(
            listener.serve_tcp,
            self._config.host,
            self._config.port,
            on_websocket=self._serve_upgrade,
            on_http=partial(
                serve_http,
                app=traced(self._tracing, app),
                closing=self._drain,
                secure=self._config.tls is not None,
                body_stall_s=self._config.http.body_stall_s,
            ),
            limits=self._config.limits,
            http=self._config.http,
            closing=self._drain,
            tls=self._config.tls,
            sockets=self._config.inherited.http,
        )
        with self._decoders:
            await self._run(listen, task_status)
        self._stopped.set()

    async def _run(self, listen: Callable[..., Awaitable[None]], task_status: trio.TaskStatus[None]) -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(self._keys.watch)
            async with trio.open_nursery() as connections:
                self._listener = await connections.start(listen)
                if self._config.wyoming_port is not None:
                    host = self._config.wyoming_host or self._config.host
                    serve = partial(
                        self._dialects.listen_for_wyoming, host, self._config.wyoming_port, self._drain,
                        sockets=self._config.inherited.wyoming,
                    )  # fmt: skip
                    self.wyoming_port = await connections.start(serve)
                    if self._config.wyoming_zeroconf:
                        nursery.start_soon(announce, host, self.wyoming_port, self._drain)
                nursery.start_soon(self._models.run)
                nursery.start_soon(watch_lag, partial(self._metrics.observe, "auricle_event_loop_lag_seconds"))
                task_status.started()
                await self._drain.wait()
                # The listener ends after the closing handshake of its last connection: no reset discards finals.
                progress = DrainProgress(lambda: self.sessions, self._config.drain_timeout_s)
                connections.cancel_scope.deadline = progress.deadline
                nursery.start_soon(progress.tell)
            progress.ended(cut=connections.cancel_scope.cancelled_caught)
            self._models.stop()
            await self._models.stopped()
            nursery.cancel_scope.cancel()

    async def stopped(self) -> None:
        """Wait until a drain has completed."""
        await self._stopped.wait()

    def use_keys(self, keys: Keyring) -> None:
        """Ask for these keys from now on; sessions whose key is gone are ended with an error."""
        self._keys.use(keys)

    def use_certificate(self, tls: ssl.SSLContext) -> None:
        """Show this certificate to those who connect from now on. For a server that has one."""
        assert self._listener is not None, "a server is handed out once it listens"
        self._listener.tls = tls

    def use_bounds(self, *, max_sessions: int | None, max_sessions_per_peer: int | None, max_detached: int) -> None:
        """Change the bounds on sessions; those that are open stay."""
        self._config = replace(
            self._config,
            max_sessions=max_sessions,
            max_sessions_per_peer=max_sessions_per_peer,
            max_detached=max_detached,
        )
        self._conversations.bound(most=max_sessions, most_per_peer=max_sessions_per_peer, most_waiting=max_detached)

    def open_session(self, config: Start, caller: Caller = UNKNOWN) -> AbstractAsyncContextManager[Client]:
        """Open a session whose client is in this process, for ``caller``.

        Entered, raises `ConnectFailed` where the session is refused.
        """

        async def serve(wire: Wire) -> None:
            opened_at = trio.current_time()
            _, wire = await self._greetings.first_frame(wire)
            await self._serve_new(wire, opened_at, caller)

        return local_client(config, serve, self._config.limits)

    def _doors(self) -> Doors:
        return Doors(
            open_session=self.open_session,
            access=self._keys.access,
            decoders=self._decoders,
            models=lambda: self._models.names,
            max_upload_bytes=self._config.max_upload_bytes,
            allowed_origins=self._config.allowed_origins,
            loopback_only=is_loopback_host(self._config.host),
        )

    async def _serve_upgrade(self, upgrade: Upgrade) -> None:
        with incoming(self._tracing, upgrade.headers):
            await self._serve_offer(upgrade)

    async def _serve_offer(self, upgrade: Upgrade) -> None:
        decision = negotiate(
            upgrade.offer,
            allowed_origins=self._config.allowed_origins,
            loopback_only=is_loopback_host(self._config.host),
        )
        if isinstance(decision, Reject):
            self._watchers.refused("not_found" if decision.problem.code == "not_found" else "forbidden")
            await upgrade.refuse(decision.problem)
            return
        if decision.dialect is not None:
            await self._dialects.serve_upgrade(upgrade, decision.dialect)
            return
        caller = self._keys.let_in(upgrade.peer, presented_key(upgrade.offer))
        if isinstance(caller, Denied):
            if caller.status != HTTPStatus.TOO_MANY_REQUESTS:
                await deny_upgrade(upgrade, caller, uuid.uuid4().hex)
                return
            caller = Caller(upgrade.peer, denied=caller)  # it is told in the session, with the delay
        socket = WebSocketWire(await upgrade.accept(subprotocol=decision.subprotocol), upgrade.stream)
        wire: Wire = socket
        opened_at = trio.current_time()
        resume, wire = await self._greetings.first_frame(wire)
        if resume is not None and await self._registry.resume(resume, wire):
            return
        await self._serve_new(wire, opened_at, caller, resume, socket)

    async def _serve_new(
        self,
        wire: Wire,
        opened_at: float,
        caller: Caller,
        resume: Resume | None = None,
        socket: WebSocketWire | None = None,
    ) -> None:
        """Run a session on a wire, over a ``socket`` where its client is elsewhere.

        ``resume`` is what it began with, where that is for no session of ours.
        """
        name = session_id(self.overview.node, uuid.uuid4().hex)
        try:
            async with serve_wire(wire, limits=self._config.limits, opened_at=opened_at) as connection:
                if resume is not None:
                    self._registry.refuse(resume, connection)
                self._registry.add(name, connection)
                if socket is not None:
                    socket.before_refusal(partial(last_words, connection.session))
                await self._run_session(name, connection, caller, socket)
        finally:
            self._registry.remove(name)

    def _refusal(self, caller: Caller) -> Refusal | None:
        """Return why a session of this caller is refused, or None where it is admitted."""
        places = self._conversations
        return key_refusal(caller.denied, self._keys.access.no_session(caller.grant)) or no_place(
            places.taken, self._config.max_sessions, places.peer_problem(caller.host)
        )

    async def _run_session(
        self, session_id: str, connection: Connection, caller: Caller, socket: WebSocketWire | None
    ) -> None:
        async with trio.open_nursery() as nursery:
            if socket is not None:
                nursery.start_soon(keep_line, socket, connection.session, self._config.ping_interval_s)
            await self._converse(session_id, connection, caller, in_process=socket is None)
            nursery.cancel_scope.cancel()

    async def _converse(self, session_id: str, connection: Connection, caller: Caller, *, in_process: bool) -> None:
        self._conversations.make_room(caller.host)
        refused = self._refusal(caller)
        if refused is not None:
            if caller.denied is None:  # which has been counted
                self._watchers.refused(refused.reason)
            connection.post(
                lambda now: connection.session.fail(
                    refused.code, refused.why, now=now, retry_after_s=refused.retry_after_s
                )
            )
        watchers = self._watchers.session(connection.session, in_process=in_process)
        with self._keys.guarding(connection, caller) as guard:
            conversation = Conversation(
                connection, self._models, session_id, watchers, refused=self._watchers.refused, peer=caller.host,
                defaults=self._speech, heard=guard.heard, told_limits=guard.told_limits,
            )  # fmt: skip
            self._conversations.add(conversation)
            try:
                if self.draining:
                    shut_down(connection)
                closed = await conversation.run()
            finally:
                self._conversations.discard(conversation)
        measured = watchers.one(SessionMetrics)
        log_session_end(
            session_id, connection.session, closed,
            peer=caller.address, key=caller.key_name, delay_s=None if measured is None else measured.p95_delay_s,
        )  # fmt: skip


@asynccontextmanager
async def running_server(
    config: ServerConfig, source: Engine | EngineLoader | None = None
) -> AsyncIterator[SpeechServer]:
    """Run a server for the length of the block: it listens when the block begins, while its models still load.

    ``source`` replaces the engine of ``config``. Raises `ListenError`, and `EngineUnavailable` for its second opinions.
    """
    async with second_opinions(config) as others, exported_traces() as tracing, trio.open_nursery() as nursery:
        server = SpeechServer(config, models_of(config) if source is None else lambda *_: source, tracing, others)
        await nursery.start(server.run)
        try:
            yield server
        finally:
            nursery.cancel_scope.cancel()
