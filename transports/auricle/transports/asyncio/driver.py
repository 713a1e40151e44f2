"""The asyncio driver: the twin of `auricle.transports.trio.driver`, rule for rule, in asyncio's own terms.

Native rather than through an adapter: the two worlds differ in exactly the thing that matters here, cancellation.
Every task the driver starts is awaited before `Driver.run` returns, also when it is cancelled.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import assert_never

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
from auricle.transports.asyncio.tasks import cancel_and_wait
from auricle.transports.wire import ABNORMAL, Wire, WireLost

Verb = Callable[[float], Outputs]
"""Something to do to the session at a given time, in seconds of the loop's clock."""
OpenWire = Callable[[], AbstractAsyncContextManager[Wire]]
"""Opens a wire for as long as it is needed. Raises `WireLost` where it cannot."""


class Driver:
    """Runs one session over one wire.

    ``opened`` is called once the wire is open and returns what the session makes of that. ``emit`` gets every event,
    in order, and must not block.
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
        self._clock = asyncio.get_running_loop().time
        self._inbox: asyncio.Queue[Verb] = asyncio.Queue()
        self._outbox: asyncio.Queue[Frame | CloseTransport] = asyncio.Queue()
        self._transport: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()
        self._running = True

    async def run(self, first: Outputs) -> None:
        """Drive the session until it is finished. Always ends, cancelled or not, with the wire gone."""
        try:
            self._route(first)
            while not self._session.finished:
                self._route(await self._next())
                self._announce()
        finally:
            self._running = False
            await cancel_and_wait(self._transport)
            self._settle()
            self._leave()
            self._announce()

    def post(self, verb: Verb) -> None:
        """Hand the session an input. Never blocks; verbs are done in the order they are posted."""
        if self._running:
            self._inbox.put_nowait(verb)

    async def call(self, verb: Verb) -> None:
        """Hand the session an input and wait until it is done. Raises what the session raises.

        A cancel stops the waiting, not the verb (driver rule 6).
        """
        done, refusals = asyncio.Event(), list[LocalProtocolError]()

        def act(now: float) -> Outputs:
            try:
                return verb(now)
            except LocalProtocolError as refusal:
                refusals.append(refusal)
                return ()
            finally:
                done.set()

        if self._running:
            self._inbox.put_nowait(act)
        else:
            act(self._clock())
        await done.wait()
        if refusals:
            raise refusals[0]

    async def moved(self) -> None:
        """Wait until something has happened to the session."""
        await self._moved.wait()

    async def _next(self) -> Outputs:
        deadline = self._session.next_deadline
        if deadline is not None and deadline <= self._clock():
            return self._session.handle_timeout(now=self._clock())
        try:
            async with asyncio.timeout_at(deadline):
                verb = await self._inbox.get()
        except TimeoutError:
            # Rule 7: trust the clock, but a timer that fired has fired.
            return self._session.handle_timeout(now=max(self._clock(), deadline or 0.0))
        return verb(self._clock())

    def _route(self, outputs: Outputs) -> None:
        for output in outputs:
            self._do(output)

    def _do(self, output: Output) -> None:
        match output:
            case Transmit(frame=frame):
                self._outbox.put_nowait(frame)
            case Emit(event=event):
                self._emit(event)
            case OpenTransport(not_before=not_before):
                self._transport = asyncio.create_task(self._carry(not_before))
            case CloseTransport():
                self._outbox.put_nowait(output)
            case AbortTransport():
                if self._transport is not None:
                    self._transport.cancel()
            case _:
                assert_never(output)

    async def _carry(self, not_before: float) -> None:
        """Hold a wire open: read from it here, write to it beside; whatever ends it becomes an input."""
        lost = WireLost("reset")
        try:
            await asyncio.sleep(not_before - self._clock())
            async with self._open_wire() as wire:
                self.post(lambda now: self._opened(wire, now))
                writer = asyncio.create_task(self._write(wire))
                try:
                    lost = await self._read(wire)
                finally:
                    await cancel_and_wait(writer)
        except WireLost as error:
            lost = error
        finally:
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
            while True:
                item = await self._outbox.get()
                if isinstance(item, CloseTransport):
                    await wire.close(item.code, item.reason)
                    return
                try:
                    async with asyncio.timeout(stall_s):
                        await wire.send(item)
                except TimeoutError:
                    self.post(lambda now: self._session.transport_lost("stalled", ABNORMAL, now=now))
                    await wire.abort()
                    return
        except WireLost:
            # The reader still gets what the peer said before it went, and then the reason.
            return

    def _settle(self) -> None:
        """Do what was posted too late to matter, so that nobody waits for it."""
        while not self._inbox.empty():
            self._inbox.get_nowait()(self._clock())

    def _leave(self) -> None:
        """Cancelled before the session was closed: whoever reads its events still gets the terminal one."""
        if self._session.closed is None:
            now = self._clock()
            for output in self._session.transport_lost("reset", ABNORMAL, "the driver was cancelled", now=now):
                if isinstance(output, Emit):
                    self._emit(output.event)

    def _announce(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()
