"""The server's side of a session over a driver, independent of the event loop."""

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import ClassVar, Protocol, cast

from auricle.core import AudioReceived, Limits, OpenTransport, ServerEvent, ServerSession
from auricle.core.dialect import Dialect
from auricle.core.events import Event
from auricle.core.messages import Message, Resume
from auricle.core.session import Outputs
from auricle.transports.driver import OpenWire, Signal, Verb
from auricle.transports.event_reader import EventReader
from auricle.transports.tracing import traced
from auricle.transports.wire import Wire


class ServerDriver(Protocol):
    """What the drivers of both loops do for a server's session."""

    async def run(self, first: Outputs) -> None:
        """Run the session from the outputs ``first`` until it is finished."""

    async def adopt(self, open_wire: OpenWire, verb: Verb) -> None:
        """Offer the session another wire, and wait until the session is done with it."""

    async def call(self, verb: Verb) -> None:
        """Call a verb and wait for it."""

    def post(self, verb: Verb) -> None:
        """Schedule a verb."""

    def raise_failure(self) -> None:
        """Raise what has failed in the driver itself, if anything has."""


class BaseConnection:
    """A session with one client. Made by ``serve_wire``.

    ``dialect`` is the client's, where its handshake shows it, and ``opening`` what the handshake says in that dialect.

    Iterate it for the session's events; the last one is always a `SessionClosed`. Call the verbs of `ServerSession`
    through `do` or `post`.
    """

    _new_driver: ClassVar[Callable[..., ServerDriver]]
    """Makes a driver of the event loop."""
    _new_signal: ClassVar[type[Signal]]
    """Makes an event of the loop."""

    def __init__(
        self,
        wire: Wire,
        limits: Limits | None,
        opened_at: float,
        *,
        dialect: Dialect | None = None,
        opening: tuple[Message, ...] = (),
    ) -> None:
        self.session = traced(ServerSession)(wire.subprotocol, now=opened_at, limits=limits, dialect=dialect)
        """The session, for reading; change it only through `do` and `post`."""
        # Bounded by what the client may send: its credit, or for a legacy client by suspended reading.
        self._events: deque[ServerEvent] = deque()
        self._reader = EventReader[ServerEvent](self._take, self._new_signal)
        self._hear_audio: Callable[[AudioReceived], None] | None = None
        self._opening = opening
        self._driver = self._new_driver(
            self.session, open_wire=partial(self._hold, wire), opened=lambda _wire, _now: (), emit=self._emit
        )

    @staticmethod
    def _hold(wire: Wire) -> AbstractAsyncContextManager[Wire]:
        """Keep a wire for a block, and drop it behind, also on a cancel."""
        raise NotImplementedError

    async def do(self, verb: Callable[[float], Outputs]) -> None:
        """Call a verb of the session and wait for it. Raises `LocalProtocolError` where it breaks a guarantee."""
        await self._driver.call(verb)

    def post(self, verb: Callable[[float], Outputs]) -> None:
        """Schedule a verb of the session without waiting for it. For verbs that cannot be refused."""
        self._driver.post(verb)

    async def adopt(self, wire: Wire, resume: Resume, fresh_token: str) -> None:
        """Resume the session on another wire of the same client, and return when the session is done with it.

        Raises `LocalProtocolError` where ``resume`` does not fit the session; the caller then still owns the wire.
        """
        await self._driver.adopt(
            partial(self._hold, wire), lambda now: self.session.attach(resume, fresh_token=fresh_token, now=now)
        )

    async def _run(self, now: float) -> None:
        opening = self.session.begin(self._opening, now=now) if self._opening else ()
        await self._driver.run((OpenTransport(not_before=now), *opening))

    def hear_audio(self, take: Callable[[AudioReceived], None] | None) -> None:
        """Have ``take`` called with audio as it comes, and not have it among the events; None: it is among them again.

        No task has to wake for every frame of every session then. The order is kept: while other events wait to be
        read, audio waits behind them. ``take`` must not block and must not raise.
        """
        self._hear_audio = take

    def __aiter__(self) -> AsyncIterator[ServerEvent]:
        """Iterate over the events in order; one task at a time, another one gets a `LocalProtocolError`."""
        return self._reader.events()

    def _take(self) -> ServerEvent | None:
        return self._events.popleft() if self._events else None

    def _emit(self, event: Event) -> None:
        if self._hear_audio is not None and isinstance(event, AudioReceived) and not self._events:
            self._hear_audio(event)
            return
        self._events.append(cast(ServerEvent, event))
        self._reader.wake()

    def _leave(self) -> None:
        """Fail the session, unless it has ended: its server has left the block."""
        self.post(lambda now: self.session.fail("internal", "the server left the session", now=now))
