"""The trio driver: it moves frames, events and time between a session and the world, and decides nothing.

The ten driver rules of notes/sans-io.md §5 are kept by construction: one task (`Driver.run`) owns the session and
everybody else posts to its inbox; every output is routed before the next input is taken; only the writer task sends;
the reader waits for nothing but the wire.
"""

import math
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import assert_never

import trio

from auricle.core import (
    AbortTransport,
    CloseTransport,
    Emit,
    Frame,
    LocalProtocolError,
    OpenTransport,
    Output,
    Transmit,
)
from auricle.core.events import Event
from auricle.core.session import Outputs, Session
from auricle.transports.wire import ABNORMAL, Wire, WireLost

Verb = Callable[[float], Outputs]
"""Something to do to the session at a given time, in seconds of trio's clock."""
OpenWire = Callable[[], AbstractAsyncContextManager[Wire]]
"""Opens a wire for as long as it is needed. Raises `WireLost` where it cannot."""


class Driver:
    """Runs one session over one wire.

    ``opened`` is called once the wire is open and returns what the session makes of that (a server's session is born
    with its wire and makes nothing of it). ``emit`` gets every event, in order, and must not block.
    """

    def __init__(
        self,
        session: Session,
        *,
        open_wire: OpenWire,
        opened: Callable[[Wire, float], Outputs],
        emit: Callable[[Event], None],
    ) -> None:
        self._session = session
        self._open_wire = open_wire
        self._opened = opened
        self._emit = emit
        self._inbox_in, self._inbox = trio.open_memory_channel[Verb](math.inf)
        self._outbox_in, self._outbox = trio.open_memory_channel[Frame | CloseTransport](math.inf)
        self._transport = trio.CancelScope()
        self._moved = trio.Event()
        self._running = True

    async def run(self, first: Outputs) -> None:
        """Drive the session until it is finished. Always ends, cancelled or not, with the wire gone."""
        try:
            async with trio.open_nursery() as nursery:
                self._route(first, nursery)
                while not self._session.finished:
                    self._route(await self._next(), nursery)
                    self._announce()
                self._transport.cancel()
        finally:
            self._running = False
            self._settle()
            self._leave()
            self._announce()

    def post(self, verb: Verb) -> None:
        """Hand the session an input. Never blocks; verbs are done in the order they are posted."""
        if self._running:
            self._inbox_in.send_nowait(verb)

    async def call(self, verb: Verb) -> None:
        """Hand the session an input and wait until it is done. Raises what the session raises.

        A cancel stops the waiting, not the verb (driver rule 6).
        """
        done, refusals = trio.Event(), list[LocalProtocolError]()

        def act(now: float) -> Outputs:
            try:
                return verb(now)
            except LocalProtocolError as refusal:
                refusals.append(refusal)
                return ()
            finally:
                done.set()

        if self._running:
            self._inbox_in.send_nowait(act)
        else:
            act(trio.current_time())
        await done.wait()
        if refusals:
            raise refusals[0]

    async def moved(self) -> None:
        """Wait until something has happened to the session."""
        await self._moved.wait()

    async def _next(self) -> Outputs:
        deadline = self._session.next_deadline
        with trio.move_on_at(math.inf if deadline is None else deadline):
            verb = await self._inbox.receive()
            return verb(trio.current_time())
        # Rule 7: trust the clock, but a timer that fired has fired.
        return self._session.handle_timeout(now=max(trio.current_time(), deadline or 0.0))

    def _route(self, outputs: Outputs, nursery: trio.Nursery) -> None:
        for output in outputs:
            self._do(output, nursery)

    def _do(self, output: Output, nursery: trio.Nursery) -> None:
        match output:
            case Transmit(frame=frame):
                self._outbox_in.send_nowait(frame)
            case Emit(event=event):
                self._emit(event)
            case OpenTransport(not_before=not_before):
                nursery.start_soon(self._carry, not_before)
            case CloseTransport():
                self._outbox_in.send_nowait(output)
            case AbortTransport():
                self._transport.cancel()
            case _:
                assert_never(output)

    async def _carry(self, not_before: float) -> None:
        """Hold a wire open: read from it here, write to it beside; whatever ends it becomes an input."""
        lost = WireLost("reset")
        with self._transport:
            await trio.sleep_until(not_before)
            try:
                async with self._open_wire() as wire:
                    self.post(lambda now: self._opened(wire, now))
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(self._write, wire)
                        lost = await self._read(wire)
                        nursery.cancel_scope.cancel()
            except WireLost as error:
                lost = error
        self.post(lambda now: self._session.transport_lost(lost.how, lost.code, lost.reason, now=now))

    async def _read(self, wire: Wire) -> WireLost:
        try:
            while True:
                frame = await wire.receive()
                self.post(partial(self._hear, frame))
                while self._session.reading_suspended:
                    await self.moved()
        except WireLost as lost:
            return lost

    def _hear(self, frame: Frame, now: float) -> Outputs:
        return self._session.receive(frame, now=now)

    async def _write(self, wire: Wire) -> None:
        """Send what is queued. A write that fails or stalls ends the wire; what has been read stays read (rule 3)."""
        stall_s = self._session.snapshot.limits.write_stall_s
        try:
            async for item in self._outbox:
                if isinstance(item, CloseTransport):
                    await wire.close(item.code, item.reason)
                    return
                with trio.move_on_after(stall_s) as patience:
                    await wire.send(item)
                if patience.cancelled_caught:
                    self.post(lambda now: self._session.transport_lost("stalled", ABNORMAL, now=now))
                    await wire.abort()
                    return
        except WireLost:
            # The reader still gets what the peer said before it went, and then the reason.
            return

    def _settle(self) -> None:
        """Do what was posted too late to matter, so that nobody waits for it."""
        while True:
            try:
                self._inbox.receive_nowait()(trio.current_time())
            except trio.WouldBlock:
                return

    def _leave(self) -> None:
        """Cancelled before the session was closed: whoever reads its events still gets the terminal one."""
        if self._session.closed is None:
            now = trio.current_time()
            for output in self._session.transport_lost("reset", ABNORMAL, "the driver was cancelled", now=now):
                if isinstance(output, Emit):
                    self._emit(output.event)

    def _announce(self) -> None:
        self._moved.set()
        self._moved = trio.Event()
