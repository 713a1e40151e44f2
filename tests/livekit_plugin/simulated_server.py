"""A server in memory on the real protocol core, with faults on demand, for the plugin's own client to connect to."""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Literal

from auricle.core import (
    AudioReceived,
    AudioSkipped,
    ConfigureRequested,
    FlushRequested,
    Frame,
    InputFinished,
    Limits,
    LocalProtocolError,
    OpenTransport,
    ServerInfo,
    ServerSession,
    SessionClosed,
    Start,
    Started,
)
from auricle.core.events import Event
from auricle.core.first_frame import read_resume
from auricle.core.session import Outputs
from auricle.transports.asyncio.driver import Driver
from auricle.transports.wire import Wire, WireLost
from livekit_plugin.fake_engine import FakeEngine
from livekit_plugin.pipe import PipeEnd, pipe

AfterEnd = Literal["closes", "never closes", "goes mute", "closes at once", "resets", "dies"]
"""What a server does once it has heard that the input has ended."""


class SimulatedServer:
    """A server with faults on demand. Patch the client's `open_websocket` with the method of this name."""

    def __init__(self, *, after_end: AfterEnd = "closes", limits: Limits | None = None) -> None:
        self.after_end = after_end
        self.limits = limits or Limits()
        self.down = False
        """Whether connections are refused."""
        self.unanswered_connects = 0
        """How many of the first connection attempts are never answered."""
        self.ignore_flushes = False
        """Whether flushes stay unanswered."""
        self.stalled = False
        """Whether the engine gets no audio, while everything else in a session goes on."""
        self.loading_s = 0.0
        """How long the model loads before a session is accepted."""
        self.processing_delay_s = 0.0
        """How long the engine takes for each event."""
        self.turn_detector: str | None = None
        """By what it tells turns; None: it tells none."""
        self.refusal: tuple[str, str] | None = None
        """Error code and reason with which it fails every new session."""
        self.connects = 0
        self.headers: Sequence[tuple[str, str]] = ()
        self.starts: list[Start] = []
        self.heard: list[str] = []
        """Type names of the events of all sessions, without audio, in order."""
        self.conversations: dict[str, Conversation] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open_websocket(
        self, address: Any, headers: Sequence[tuple[str, str]], ssl_context: Any, max_message_bytes: int
    ) -> AsyncIterator[PipeEnd]:
        """Stand in for `auricle.transports.asyncio.websocket.open_websocket`."""
        self.connects += 1
        self.headers = headers
        if self.connects <= self.unanswered_connects:
            await asyncio.Event().wait()
        await asyncio.sleep(0.01)
        if self.down:
            raise WireLost("refused", 1006, f"{address.url}: nobody there")
        ours, theirs = pipe()
        task = asyncio.create_task(self._serve(ours))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            yield theirs
        finally:
            if not theirs.over:
                theirs.break_off()

    async def _serve(self, wire: PipeEnd) -> None:
        try:
            first = await wire.receive()
        except WireLost:
            return
        resume = read_resume(first, self.limits)
        conversation = self.conversations.get(resume.session) if resume else None
        if resume is not None and conversation is not None:
            with suppress(LocalProtocolError):
                await conversation.adopt(wire, resume)
                return
        fresh = Conversation(self, wire, first)
        await fresh.run()

    def cut(self, *, forget: bool = False) -> None:
        """Break every connection. ``forget``: lose the sessions too, as in a restart."""
        for conversation in tuple(self.conversations.values()):
            conversation.wire.break_off()
            if forget:
                conversation.task.cancel()
        if forget:
            self.conversations.clear()

    def each(self) -> "list[Conversation]":
        return [one for one in self.conversations.values() if one.session.closed is None]

    async def aclose(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Conversation:
    """One session of the server: its driver and its engine."""

    def __init__(self, server: SimulatedServer, wire: PipeEnd, first: Frame) -> None:
        self.server = server
        self.wire = wire
        self.task = asyncio.current_task()
        self.id = secrets.token_hex(4)
        now = asyncio.get_running_loop().time()
        self.session = ServerSession(wire.subprotocol, now=now, limits=server.limits)
        self._first = first
        self._driver = Driver(
            self.session, open_wire=partial(_held, wire), opened=lambda _wire, _now: (), emit=self._emit
        )
        self._engine: FakeEngine | None = None
        self._todo: deque[Event] = deque()

    async def run(self) -> None:
        now = asyncio.get_running_loop().time()
        self._driver.post(lambda at: self.session.receive(self._first, now=at))
        await self._driver.run((OpenTransport(not_before=now),))

    async def adopt(self, wire: PipeEnd, resume: Any) -> None:
        token = secrets.token_hex(8)
        before, self.wire = self.wire, wire
        try:
            await self._driver.adopt(
                partial(_held, wire), lambda now: self.session.attach(resume, fresh_token=token, now=now)
            )
        except LocalProtocolError:
            self.wire = before
            raise

    def post(self, verb: Any) -> None:
        """Call a verb of the session soon; nothing happens where the session has closed by then."""

        def act(now: float) -> Outputs:
            if self.session.closed is not None:
                return ()
            return verb(now)  # type: ignore[no-any-return]

        self._driver.post(act)

    def _emit(self, event: Event) -> None:
        if not isinstance(event, AudioReceived):
            self.server.heard.append(type(event).__name__)
        match event:
            case Started(config=config):
                self._answer(config)
            case SessionClosed():
                return
            case _ if self._engine is not None and self.server.processing_delay_s:
                self._todo.append(event)
                if len(self._todo) == 1:
                    asyncio.get_running_loop().call_later(self.server.processing_delay_s, self._hear_next)
            case _ if self._engine is not None:
                self._hear(event)
            case _:
                raise AssertionError(f"{event} before the session was accepted")

    def _hear_next(self) -> None:
        self._hear(self._todo.popleft())
        if self._todo:
            asyncio.get_running_loop().call_later(self.server.processing_delay_s, self._hear_next)

    def _answer(self, config: Start) -> None:
        server = self.server
        server.starts.append(config)
        if server.refusal is not None:
            code, why = server.refusal
            self.post(lambda now: self.session.fail(code, why, now=now))
            return
        server.conversations[self.id] = self
        loop = asyncio.get_running_loop()
        for second in range(0, int(server.loading_s), 5):
            loop.call_later(second, self.post, lambda now: self.session.loading("the model", now=now))
        loop.call_later(server.loading_s, self._accept, config)

    def _accept(self, config: Start) -> None:
        detector = self.server.turn_detector
        info, token = ServerInfo(name="fake", model="fake-1", turn_detector=detector), secrets.token_hex(8)
        self.post(lambda now: self.session.accept(self.id, info, resume_token=token, now=now))
        self._engine = FakeEngine(self.session, self.post, config.timeline_origin or 0, config.endpointing.pause_ms)

    def _hear(self, event: Event) -> None:
        engine = self._engine
        assert engine is not None
        match event:
            case AudioReceived() | InputFinished() if self.server.stalled:
                pass
            case AudioReceived(pcm=pcm):
                engine.feed(pcm)
            case AudioSkipped(start_sample=start, end_sample=end):
                engine.skip(end - start)
            case FlushRequested(id=flush_id, at_sample=at) if not self.server.ignore_flushes:
                engine.cut("flush")
                self.post(lambda now: self.session.flushed(flush_id, at, now=now))
            case ConfigureRequested(id=change_id, config=Start(language="tlh")):
                why = "no Klingon here"
                self.post(
                    lambda now: self.session.refuse_change(
                        change_id, "unsupported_language", why, "/set/language", now=now
                    )
                )
            case ConfigureRequested(id=change_id):
                engine.cut("configure")
                self.post(lambda now: self.session.configured(change_id, now=now))
            case InputFinished():
                self._finish(engine)
            case _:
                pass

    def _finish(self, engine: FakeEngine) -> None:
        match self.server.after_end:
            case "closes":
                engine.cut("end_input")
                self.post(lambda now: self.session.finish(now=now))
            case "never closes":
                engine.cut("end_input")
            case "goes mute":
                self.wire.other.half_open = True
            case "closes at once":
                self.wire.hang_up(1000)
            case "resets":
                engine.cut("end_input")
                self.post(lambda now: self.session.finish(now=now))
                self.server.after_end = "closes"
                self.wire.break_off()
            case "dies":
                self.server.down = True
                self.server.cut(forget=True)


@asynccontextmanager
async def _held(wire: PipeEnd) -> AsyncIterator[Wire]:
    try:
        yield wire
    finally:
        if not wire.over:
            wire.break_off()
