"""The server as one object: a listener, an engine actor, the conversations, and a way to stop without losing a word."""

import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import trio

from auricle.core import Limits, SessionClosed
from auricle.core.messages import Resume
from auricle.engines.actor import EngineActor
from auricle.engines.fallback import Isolation, engine_loader
from auricle.engines.loading import EngineLoader, LoadStage
from auricle.engines.protocol import Engine, EngineUnavailable
from auricle.server import listener
from auricle.server.conversation import Conversation
from auricle.server.http import serve_http
from auricle.server.negotiation import Reject, negotiate
from auricle.server.operator_routes import operator_routes
from auricle.server.sessions import RETRY_AFTER_S, Sessions
from auricle.server.upgrade import Upgrade
from auricle.transports.address import DEFAULT_PATH, Address
from auricle.transports.trio.greeting import await_greeting
from auricle.transports.trio.server import Connection, serve_wire
from auricle.transports.trio.websocket import WebSocketWire
from auricle.transports.wire import Wire

logger = logging.getLogger(__name__)

DEFAULT_PORT: Final = 8765


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """What a server is started with. ``engine`` and ``model`` None: whisper, or sphinx where it cannot be had."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    engine: str | None = None
    model: str | None = None
    language: str | None = None
    engine_isolation: Isolation = Isolation.THREAD
    """Where the model lives: in a supervised process of its own, or in this one."""
    limits: Limits = field(default_factory=Limits)
    max_sessions: int | None = None
    """Sessions at once; whoever comes on top of that is refused with ``capacity``. None: as many as come."""
    drain_timeout_s: float = 60.0
    """Longest time that sessions get to finish once the server is told to stop."""


class SpeechServer:
    """A running server. Made by `running_server`."""

    def __init__(self, config: ServerConfig, source: Engine | EngineLoader) -> None:
        self._config = config
        self._actor = EngineActor(source)
        self._sessions = Sessions()
        self._conversations: set[Conversation] = set()
        self._greetings: set[trio.CancelScope] = set()
        self._drain = trio.Event()
        self._stopped = trio.Event()
        self._listener: listener.Server | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        assert self._listener is not None, "a server is handed out once it listens"
        return Address(self._config.host, self._listener.port, DEFAULT_PATH, secure=False).url

    @property
    def sessions(self) -> int:
        """Sessions that are open now."""
        return len(self._conversations)

    @property
    def draining(self) -> bool:
        """Whether `drain` has been called."""
        return self._drain.is_set()

    async def engine_ready(self) -> str:
        """Wait until the engine answers, and return its name and model. Raises `EngineUnavailable`."""
        info = await self._actor.loaded()
        return f"{info.name} {info.model}"

    @property
    def loading(self) -> LoadStage:
        """How far the engine's loading is."""
        return self._actor.stage

    @property
    def fallback_reason(self) -> str | None:
        """One line that says why another engine answers than the one that is meant to; None when it does."""
        return self._actor.note

    def drain(self) -> None:
        """Take no new sessions and end the input of the running ones: they get their last finals, then all is over."""
        self._drain.set()  # the listener's own signal to accept nobody any more
        for greeting in self._greetings:
            greeting.cancel()
        for conversation in self._conversations:
            conversation.stop()
        self._sessions.let_go()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until `drain` has been called and the last session is over. Raises `ListenError`."""
        routes = operator_routes(self._is_ready)
        listen = partial(
            listener.serve_tcp,
            self._config.host,
            self._config.port,
            on_websocket=self._serve,
            on_http=partial(serve_http, routes=routes, closing=self._drain),
            limits=self._config.limits,
            closing=self._drain,
        )
        async with trio.open_nursery() as nursery:
            async with trio.open_nursery() as connections:
                self._listener = await connections.start(listen)
                nursery.start_soon(self._actor.run)
                task_status.started()
                await self._drain.wait()
                # The listener ends with its last connection, closing handshake and all: nothing is wiped by a reset.
                connections.cancel_scope.deadline = trio.current_time() + self._config.drain_timeout_s
            self._actor.stop()
        self._stopped.set()

    async def stopped(self) -> None:
        """Wait until a drain is over."""
        await self._stopped.wait()

    async def _serve(self, upgrade: Upgrade) -> None:
        decision = negotiate(upgrade.offer)
        if isinstance(decision, Reject):
            await upgrade.refuse(decision.problem)
            return
        wire = WebSocketWire(await upgrade.accept(subprotocol=decision.subprotocol), upgrade.stream)
        opened_at = trio.current_time()
        resume, greeted = await self._greet(wire)
        if resume is not None and await self._sessions.take_up(resume, greeted):
            return
        session_id = uuid.uuid4().hex
        try:
            async with serve_wire(greeted, limits=self._config.limits, opened_at=opened_at) as connection:
                if resume is not None:
                    self._sessions.refuse(resume, connection)
                self._sessions.add(session_id, connection)
                closed = await self._converse(session_id, connection)
        finally:
            self._sessions.forget(session_id)
        logger.info(
            "session %s of %s: %s, complete=%s, %d samples, %d segments",
            session_id, upgrade.peer, closed.reason, closed.complete, closed.accounting.received,
            closed.accounting.segments,
        )  # fmt: skip

    async def _greet(self, wire: Wire) -> tuple[Resume | None, Wire]:
        patience = trio.CancelScope()
        self._greetings.add(patience)
        try:
            if self.draining:
                patience.cancel()
            return await await_greeting(wire, self._config.limits, patience)
        finally:
            self._greetings.discard(patience)

    async def _converse(self, session_id: str, connection: Connection) -> SessionClosed:
        full = self._full()
        if full is not None:
            why, wait_s = full
            connection.post(lambda now: connection.session.fail("capacity", why, now=now, retry_after_s=wait_s))
        conversation = Conversation(connection, self._actor, session_id, language=self._config.language)
        self._conversations.add(conversation)
        try:
            if self.draining:
                conversation.stop()
            return await conversation.run()
        finally:
            self._conversations.discard(conversation)

    def _full(self) -> tuple[str, float] | None:
        """Return why there is no room for one more session, and how long to wait, in seconds; None: there is."""
        most = self._config.max_sessions
        if most is not None and len(self._conversations) >= most:
            return f"this server has {most} sessions already", RETRY_AFTER_S
        wait_s = self._actor.busy_for_s
        return None if wait_s is None else ("the engine has as many sessions as it can keep up with", wait_s)

    def _is_ready(self) -> tuple[bool, str]:
        if self.draining:
            return False, "The server is shutting down."
        try:
            info = self._actor.info
        except EngineUnavailable as error:
            return False, str(error)
        return True, f"{info.name} {info.model} answers."


@asynccontextmanager
async def running_server(
    config: ServerConfig, source: Engine | EngineLoader | None = None
) -> AsyncIterator[SpeechServer]:
    """Run a server for the length of the block; it listens when the block begins, and its engine loads meanwhile.

    ``source`` takes the place of the engine that ``config`` names. Raises `ListenError`.
    """
    server = SpeechServer(
        config, source or engine_loader(config.engine, config.model, config.language, config.engine_isolation)
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(server.run)
        try:
            yield server
        finally:
            nursery.cancel_scope.cancel()
