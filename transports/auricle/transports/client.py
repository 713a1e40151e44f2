"""What both clients are: the public API over a driver. Nothing in this file knows trio from asyncio.

Everything here awaits only the driver and events, which look the same in both worlds; what differs, cancellation and
tasks, is in the two native clients and drivers.
"""

from collections.abc import AsyncIterator, Callable
from itertools import count
from typing import cast

from auricle.core import BacklogFull, ClientEvent, ClientSession, LocalProtocolError, Ready, SessionClosed, codec
from auricle.core.events import Event
from auricle.core.session import Outputs
from auricle.transports.driver import BaseDriver, Signal, Verb
from auricle.transports.errors import ConnectFailed, SessionOver
from auricle.transports.event_log import EventLog
from auricle.transports.wire import Wire


class BaseClient:
    """One session with a server. Made by ``connect``.

    Iterate it for the events; the last is always a `SessionClosed`, whatever happens to the server or the network.
    """

    _driver: BaseDriver

    def __init__(self, session: ClientSession, new_signal: Callable[[], Signal]) -> None:
        self._session = session
        self._new_signal = new_signal
        self._events = EventLog(wake=self._wake)
        self._news = new_signal()
        self._answered = new_signal()
        self._ids = count(1)
        self._ready: Ready | None = None
        self._input_ended = False

    @property
    def ready(self) -> Ready:
        """What the server said when the session began: engine, limits, effective configuration."""
        assert self._ready is not None, "a client is handed out once it is ready"
        return self._ready

    @property
    def closed(self) -> SessionClosed | None:
        """The terminal event, once the session has ended."""
        return self._session.closed

    async def send_audio(self, data: bytes) -> None:
        """Send audio in the declared format. Waits while the server has no room for more.

        A call may hold any number of bytes and end in the middle of a sample. Raises `LocalProtocolError` after
        `end_input`, and `SessionOver` once the session has ended, also where the server ended the input.
        """
        rest = memoryview(data)
        while rest:
            rest = rest[await self._offer_some(rest) :]

    async def _offer_some(self, data: memoryview) -> int:
        """Offer as much audio as there is room for, and return how much that was."""
        await self._room()
        piece = bytes(data[: self._session.room])
        try:
            await self._ask(lambda now: self._session.send_audio(piece, now=now))
        except BacklogFull:
            return 0  # another task was faster
        return len(piece)

    async def _room(self) -> None:
        """Wait until there is room for more audio. Raises `SessionOver` once there will never be."""
        while True:
            if self._session.closed is not None:
                raise SessionOver(self._session.closed)
            if self._session.room:
                return
            await self._driver.moved()

    async def _blame_whoever_ended(self) -> None:
        """Raise `SessionOver` unless it was the application itself that ended the input.

        A server that shuts down ends it too; what it still says about the audio it has comes first.
        """
        if self._session.closed is None and (self._input_ended or not self._session.snapshot.ended):
            return
        while self._session.closed is None:
            await self._driver.moved()
        raise SessionOver(self._session.closed) from None

    async def flush(self) -> str:
        """Ask for everything sent so far to be decided now; return the id its `Flushed` event will carry.

        Raises `LocalProtocolError` after `end_input`, `BacklogFull` while too many flushes are unanswered, and
        `SessionOver` once the session has ended.
        """
        flush_id = f"f{next(self._ids)}"
        await self._ask(lambda now: self._session.flush(flush_id, now=now))
        return flush_id

    async def mark(self) -> str:
        """Ask to be told once everything sent so far has been decided, without asking for it to be decided.

        Returns the id its `Flushed` event will carry. Raises as `flush`.
        """
        flush_id = f"m{next(self._ids)}"
        await self._ask(lambda now: self._session.mark(flush_id, now=now))
        return flush_id

    async def configure(self, **change: object) -> str:
        """Change the configuration from here on; return the id its `Configured` event will carry.

        Takes ``language``, ``bias``, ``endpointing`` and ``features``: plain values as on the wire, or the classes of
        that name; None for the default. A change the server refuses is an `ErrorMessage` whose ``ref`` is the id.
        Raises `LocalProtocolError` for anything else, and as `flush`.
        """
        change_id = f"c{next(self._ids)}"
        plain = {key: codec.plain(value) for key, value in change.items()}
        await self._ask(lambda now: self._session.configure(change_id, plain, now=now))
        return change_id

    async def skip(self, samples: int) -> None:
        """Let the timeline go on by ``samples`` for which there is no audio. Waits and raises as `send_audio`."""
        while True:
            await self._room()
            try:
                await self._ask(lambda now: self._session.skip(samples, now=now))
            except BacklogFull:
                continue  # another task was faster
            return

    async def _ask(self, verb: Verb) -> None:
        try:
            await self._driver.call(verb)
        except BacklogFull:
            raise
        except LocalProtocolError:
            await self._blame_whoever_ended()
            raise

    async def end_input(self) -> None:
        """Say that no more audio will come. Idempotent; the rest of the events still follow."""
        self._input_ended = True
        await self._driver.call(lambda now: self._session.end_input(now=now))

    def __aiter__(self) -> AsyncIterator[ClientEvent]:
        """Events in order, to be iterated by one task at a time."""
        return self._iterate()

    async def _iterate(self) -> AsyncIterator[ClientEvent]:
        while not self._events.ended:
            event = self._events.take()
            if event is None:
                await self._news.wait()
            else:
                yield event

    async def _wait_until_ready(self) -> None:
        await self._answered.wait()
        if self._ready is None:
            closed = self._session.closed
            assert closed is not None
            raise ConnectFailed(closed)

    def _opened(self, wire: Wire, now: float) -> Outputs:
        return self._session.transport_opened(wire.subprotocol, now=now)

    def _emit(self, event: Event) -> None:
        if isinstance(event, Ready):
            self._ready = event
        if isinstance(event, Ready | SessionClosed):
            self._answered.set()
        self._events.put(cast(ClientEvent, event))

    def _wake(self) -> None:
        self._news.set()
        self._news = self._new_signal()
