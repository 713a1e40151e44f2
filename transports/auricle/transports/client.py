"""The public client API over a driver, independent of the event loop.

This module awaits only the driver and events, which have the same interface on trio and asyncio. What differs,
cancellation and tasks, is in the two native clients and drivers.
"""

import warnings
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Final, TypedDict, Unpack, cast

from auricle.core import BacklogFull, ClientEvent, ClientSession, LocalProtocolError, Ready, SessionClosed, codec
from auricle.core.events import Event
from auricle.core.parts import Bias, Endpointing, Features, Turns
from auricle.core.session import Outputs
from auricle.transports.audio_buffers import audio_bytes
from auricle.transports.driver import BaseDriver, Signal, Verb
from auricle.transports.errors import ConnectFailed, SessionOver
from auricle.transports.event_log import EventLog
from auricle.transports.event_reader import EventReader
from auricle.transports.wire import Wire

if TYPE_CHECKING:
    from typing_extensions import Buffer


FORGOTTEN_AFTER_S: Final = 30.0
"""Seconds without audio after which somebody who waits for events has perhaps forgotten to end the input."""


class Change(TypedDict, total=False):
    """What `BaseClient.configure` takes: absent is unchanged, None the default of `Start`, anything else replaces."""

    language: str | None
    languages: Sequence[str] | None
    bias: Bias | Mapping[str, object] | None
    endpointing: Endpointing | Mapping[str, object] | None
    turns: Turns | Mapping[str, object] | None
    features: Features | Mapping[str, object] | None


class BaseClient:
    """One session with a server. Made by ``connect``.

    Iterate it for the events; the last is always a `SessionClosed`, whatever happens to the server or the network.
    """

    _driver: BaseDriver

    def __init__(self, session: ClientSession, new_signal: Callable[[], Signal]) -> None:
        self._session = session
        self._events = EventLog(wake=lambda: self._reader.wake())
        self._reader = EventReader[ClientEvent](self._events.take, new_signal, wait=self._wait_for_events)
        self._ready_or_closed = new_signal()
        self._ids = count(1)
        self._ready: Ready | None = None
        self._input_ended = False
        self._given_bytes = 0
        self._given_at: float | None = None
        """When audio was last given, on the driver's clock; None before the first, and once it has been told."""
        self.warns_after_s: float | None = FORGOTTEN_AFTER_S
        """Seconds without audio after which a warning says that `end_input` was perhaps forgotten; None: never."""

    @property
    def ready(self) -> Ready:
        """The server's ``ready`` message: engine, limits, effective configuration."""
        assert self._ready is not None, "a client is yielded once it is ready"
        return self._ready

    @property
    def closed(self) -> SessionClosed | None:
        """The terminal event, once the session has ended."""
        return self._session.closed

    async def send_audio(self, data: "Buffer") -> None:
        """Send audio in the declared format. Waits while there is no credit for more.

        ``data`` is bytes, or an array of samples of the declared encoding. A call may hold any number of bytes and end
        in the middle of a sample. Raises `TypeError` for an array of another kind, `LocalProtocolError` after
        `end_input`, and `SessionOver` once the session has ended, also where the server ended the input.
        """
        rest = audio_bytes(data, self._session.snapshot.config.audio.encoding)
        self._given_bytes += len(rest)
        self._given_at = self._driver.now
        while rest:
            rest = rest[await self._send_some(rest) :]

    async def _send_some(self, data: memoryview) -> int:
        """Send as many bytes as there is credit for, and return their number."""
        await self._wait_for_room()
        piece = bytes(data[: self._session.room])
        try:
            await self._call(lambda now: self._session.send_audio(piece, now=now))
        except BacklogFull:
            return 0  # another task used the credit
        return len(piece)

    async def _wait_for_room(self) -> None:
        """Wait until there is credit for more audio. Raises `SessionOver` once the session has ended."""
        while True:
            if self._session.closed is not None:
                raise SessionOver(self._session.closed)
            if self._session.room:
                return
            await self._driver.session_changed()

    async def _raise_session_over(self) -> None:
        """Raise `SessionOver` unless the application itself ended the input.

        A server that drains ends the input too; this waits for its remaining results and the end of the session.
        """
        if self._session.closed is None and (self._input_ended or not self._session.snapshot.ended):
            return
        while self._session.closed is None:
            await self._driver.session_changed()
        raise SessionOver(self._session.closed) from None

    async def flush(self) -> str:
        """Ask for finals for everything sent so far; return the id of the `Flushed` event that answers.

        Raises `LocalProtocolError` after `end_input`, `BacklogFull` while too many flushes are unanswered, and
        `SessionOver` once the session has ended.
        """
        flush_id = f"f{next(self._ids)}"
        await self._call(lambda now: self._session.flush(flush_id, now=now))
        return flush_id

    async def end_turn(self) -> str:
        """As `flush`, and the turn ends there: where turns are told, its `TurnEnd` comes before the `Flushed`.

        For a button that is let go, or a voice detector of the application's own. Raises as `flush`.
        """
        flush_id = f"f{next(self._ids)}"
        await self._call(lambda now: self._session.end_turn(flush_id, now=now))
        return flush_id

    async def mark(self) -> str:
        """Ask for a `Flushed` event once everything sent so far is committed, without forcing finals.

        Returns the id of that event. Raises as `flush`.
        """
        flush_id = f"m{next(self._ids)}"
        await self._call(lambda now: self._session.mark(flush_id, now=now))
        return flush_id

    async def configure(self, **change: Unpack[Change]) -> str:
        """Change the configuration from the present position on; return the id of the `Configured` event that answers.

        Takes ``language``, ``languages``, ``bias``, ``endpointing``, ``turns`` and ``features`` (`Change`): plain
        values as on the wire, or the classes of that name; None for the default. A change the server refuses is an
        `ErrorMessage` whose ``ref`` is the id. Raises `LocalProtocolError` for anything else, and as `flush`.
        """
        change_id = f"c{next(self._ids)}"
        plain = {key: codec.plain(value) for key, value in change.items()}
        await self._call(lambda now: self._session.configure(change_id, plain, now=now))
        return change_id

    async def skip(self, samples: int) -> None:
        """Advance the timeline by ``samples`` sample frames without audio (a gap). Waits and raises as `send_audio`."""
        while True:
            await self._wait_for_room()
            try:
                await self._call(lambda now: self._session.skip(samples, now=now))
            except BacklogFull:
                continue  # another task used the credit
            self._given_at = self._driver.now
            return

    async def _call(self, verb: Verb) -> None:
        try:
            await self._driver.call(verb)
        except BacklogFull:
            raise
        except LocalProtocolError:
            await self._raise_session_over()
            raise

    async def end_input(self) -> None:
        """End the input. Idempotent; the remaining events still follow.

        Warns where the last sample is not whole, because then something else than the declared format was sent.
        """
        self._warn_of_half_a_sample()
        self._input_ended = True
        await self._driver.call(lambda now: self._session.end_input(now=now))

    def _warn_of_half_a_sample(self) -> None:
        audio = self._session.snapshot.config.audio
        over = self._given_bytes % audio.frame_bytes
        if over and not self._input_ended:
            warnings.warn(
                f"The audio ends in the middle of a sample ({over} of its {audio.frame_bytes} bytes), which is left "
                f"out: its format is perhaps another one than encoding={audio.encoding!r}, channels={audio.channels}.",
                RuntimeWarning,
                stacklevel=3,
            )

    def __aiter__(self) -> AsyncIterator[ClientEvent]:
        """Iterate over the events in order; one task at a time, another one gets a `LocalProtocolError`."""
        return self._reader.events()

    async def _wait_for_events(self, signal: Signal) -> None:
        """Wait for the next event, and warn once where none can come because the input was perhaps not ended."""
        patience_s = self.warns_after_s
        if patience_s is not None and self._given_at is not None and not self._input_ended:
            if await self._wait_at_most(signal, self._given_at + patience_s - self._driver.now):
                return
            self._warn_of_a_forgotten_end(patience_s)
        await signal.wait()

    async def _wait_at_most(self, signal: Signal, timeout_s: float) -> bool:
        """Wait for a signal, and return whether it came in time. Clients for other loops may wait without limit."""
        await signal.wait()
        return True

    def _warn_of_a_forgotten_end(self, patience_s: float) -> None:
        given_at, now = self._given_at, self._driver.now
        if given_at is None or self._input_ended or now < given_at + patience_s:
            return  # audio came while we waited
        self._given_at = None
        warnings.warn(
            f"No audio has been sent for {patience_s:g} s, and the input is open: call end_input() where there "
            "is no more, or the session goes on waiting; skip() tells of a pause.",
            RuntimeWarning,
            stacklevel=5,  # whoever iterates: beyond this, the wait, and the two of the reader
        )

    async def _wait_until_ready(self) -> None:
        await self._ready_or_closed.wait()
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
            self._ready_or_closed.set()
        self._events.put(cast(ClientEvent, event))
