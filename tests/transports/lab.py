"""A client on a wire made of queues, and the other end of it in the hands of a test. Written once for both worlds."""

import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import ModuleType
from typing import Any

import anyio

import auricle.transports.asyncio.client as asyncio_client
import auricle.transports.trio.client as trio_client
from auricle.core import PROTOCOL, ClientEvent, ClientSession, Frame, Limits, SessionClosed, Start
from auricle.transports.client import BaseClient
from auricle.transports.wire import WireLost
from transports.virtual import Backend

CLIENTS: dict[Backend, ModuleType] = {"trio": trio_client, "asyncio": asyncio_client}


class QueueWire:
    """A `Wire` whose other end is the test: `Peer`."""

    def __init__(self, subprotocol: str | None) -> None:
        self.subprotocol = subprotocol
        self.incoming: deque[Frame | WireLost] = deque()
        self.sent: list[Frame] = []
        self.closed: tuple[int, str] | None = None
        self.aborted = False
        self.clogged = False
        self.sending = 0
        self._changed = anyio.Event()

    def change(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def changed(self) -> None:
        await self._changed.wait()

    async def receive(self) -> Frame:
        while not self.incoming:
            await self.changed()
        item = self.incoming[0]
        if isinstance(item, WireLost):
            raise item
        self.incoming.popleft()
        self.change()
        return item

    async def send(self, frame: Frame) -> None:
        self.sending += 1
        assert self.sending == 1, "rule 5: one writer"
        try:
            while self.clogged:
                await self.changed()
            if self.incoming and isinstance(self.incoming[-1], WireLost):
                raise self.incoming[-1]
            self.sent.append(frame)
            self.change()
        finally:
            self.sending -= 1

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)
        self.change()
        while not (self.incoming and isinstance(self.incoming[-1], WireLost)):
            await self.changed()

    async def abort(self) -> None:
        self.aborted = True
        self.incoming.append(WireLost("reset"))
        self.change()


class Peer:
    """The server's end, played by the test."""

    def __init__(self, wire: QueueWire) -> None:
        self.wire = wire
        self.seq = 0

    def say(self, type: str, **fields: Any) -> None:
        """Send a message; durable ones are numbered."""
        if type not in ("ack", "partial", "loading", "pong"):
            self.seq += 1
            fields["seq"] = self.seq
        self.send(json.dumps({"type": type, **fields}))

    def send(self, frame: Frame) -> None:
        self.wire.incoming.append(frame)
        self.wire.change()

    def ready(self, credit: int = 480_000) -> None:
        self.say("ready", session="s", credit=credit)

    def final(self, text: str, segment: int, begin: int, end: int) -> None:
        self.say(
            "final",
            segment=segment,
            text=text,
            start=0.0,
            end=0.1,
            confidence=1.0,
            audio=[begin, end],
            reason="endpoint",
        )

    def complete(self, samples: int, segments: int = 0, non_speech: int = 0) -> None:
        stats = {"received": samples, "processed": samples, "committed": samples}
        stats |= {"segments": segments, "non_speech": non_speech}
        self.say("closed", reason="completed", code=1000, complete=True, stats=stats)

    def input_ended(self, samples: int) -> None:
        self.say("input_ended", received=samples, by="client")

    def hang_up(self, how: str = "eof", code: int = 1000) -> None:
        self.wire.incoming.append(WireLost(how, code))  # type: ignore[arg-type]
        self.wire.change()

    async def hear(self, type: str) -> dict[str, Any]:
        """Wait until the client has said a message of this type."""
        while True:
            for frame in self.wire.sent:
                if isinstance(frame, str) and json.loads(frame)["type"] == type:
                    return dict(json.loads(frame))
            await self.wire.changed()

    async def hear_audio(self, total_bytes: int) -> bytes:
        """Wait until the client has sent this many bytes of audio."""
        while len(self.audio) < total_bytes:
            await self.wire.changed()
        return self.audio

    @property
    def audio(self) -> bytes:
        return b"".join(frame for frame in self.wire.sent if isinstance(frame, bytes))


class Lab:
    """One backend's client, ready to be connected to a `Peer`."""

    def __init__(self, backend: Backend, *, subprotocol: str | None = PROTOCOL) -> None:
        self.backend = backend
        self.wire = QueueWire(subprotocol)
        self.peer = Peer(self.wire)
        self.wire_left = False

    def connect(
        self,
        session: ClientSession | None = None,
        *,
        limits: Limits | None = None,
        allow_legacy: bool = False,
        opens_after_s: float = 0.0,
    ) -> AbstractAsyncContextManager[BaseClient]:
        """What `connect` does, over the queue wire."""

        @asynccontextmanager
        async def open_wire() -> AsyncIterator[QueueWire]:
            await anyio.sleep(opens_after_s)
            try:
                yield self.wire
            finally:
                self.wire_left = True

        module = CLIENTS[self.backend]
        session = session or ClientSession(Start(), now=anyio.current_time(), limits=limits, allow_legacy=allow_legacy)
        client: AbstractAsyncContextManager[BaseClient] = module.run_client(module.Client(session, open_wire))
        return client


async def read_all(client: BaseClient) -> list[ClientEvent]:
    """Iterate to the end: the last event must be the terminal one."""
    events = [event async for event in client]
    assert isinstance(events[-1], SessionClosed)
    assert not any(isinstance(event, SessionClosed) for event in events[:-1])
    return events


async def settle() -> None:
    """Let everything that can run, run. Virtual time: the clock jumps only when all are waiting."""
    await anyio.sleep(0.001)
