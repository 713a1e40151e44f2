"""The asyncio driver: the twin of `auricle.transports.trio.driver`, rule for rule, in asyncio's own terms.

Native rather than through an adapter: the two worlds differ in exactly the thing that matters here, cancellation.
Every task the driver starts is awaited before `Driver.run` returns, also when it is cancelled.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import assert_never

from auricle.core import (
    AbortTransport,
    AdoptTransport,
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
from auricle.transports.driver import BaseDriver, OpenWire, Transport, Verb
from auricle.transports.wire import Wire, WireLost


class _Transport(Transport):
    def __init__(self, open_wire: OpenWire, opened: Callable[[Wire, float], Outputs]) -> None:
        super().__init__(open_wire, opened)
        self.outbox: asyncio.Queue[Frame | CloseTransport] = asyncio.Queue()
        self.task: asyncio.Task[None] | None = None
        self.over = asyncio.Event()

    def drop(self) -> None:
        """Let go of the wire at once."""
        if self.task is not None:
            self.task.cancel()


class Driver(BaseDriver):
    """Runs one session, in asyncio's own terms. See `BaseDriver` for the parameters."""

    def __init__(
        self,
        session: Session,
        *,
        open_wire: OpenWire,
        opened: Callable[[Wire, float], Outputs],
        emit: Callable[[Event], None],
    ) -> None:
        clock = asyncio.get_running_loop().time
        super().__init__(session, open_wire=open_wire, opened=opened, emit=emit, new_signal=asyncio.Event, clock=clock)
        self._transport = _Transport(open_wire, opened)
        self._waiting: _Transport | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, first: Outputs) -> None:
        """Drive the session until it is finished. Always ends, cancelled or not, with the wire gone."""
        try:
            self._route(first)
            while not self._session.finished:
                self._route(await self._next())
                self._announce()
        finally:
            try:
                await self._drop_all()
            finally:
                self._finish()

    async def adopt(self, open_wire: OpenWire, verb: Verb) -> None:
        """Offer the session another wire, and wait until it is done with it.

        ``verb`` tells the session, which answers with `AdoptTransport`. Raises what the session raises where it does
        not want it; the wire is the caller's then.
        """
        transport = _Transport(open_wire, lambda _wire, _now: ())

        def offer(now: float) -> Outputs:
            self._waiting = transport
            return verb(now)

        await self.call(offer)
        if not self._running and not self._is_current(transport):
            raise LocalProtocolError("the driver of the session has ended")
        await transport.over.wait()

    async def _drop_all(self) -> None:
        """Drop every transport there still is, each waited for."""
        for task in tuple(self._tasks):
            await cancel_and_wait(task)

    def _is_current(self, transport: Transport) -> bool:
        return transport is self._transport

    def _start(self, transport: _Transport, not_before: float) -> None:
        self._transport = transport
        transport.task = asyncio.create_task(self._carry(transport, not_before))
        self._tasks.add(transport.task)
        transport.task.add_done_callback(self._tasks.discard)
        # A task that is cancelled before its first step never gets to its `finally`.
        transport.task.add_done_callback(lambda _: transport.over.set())

    async def _next(self) -> Outputs:
        deadline = self._session.next_deadline
        if deadline is not None and deadline <= self._clock():
            return self._session.handle_timeout(now=self._clock())
        try:
            async with asyncio.timeout_at(deadline):
                verb = await self._take()
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
                self._transport.outbox.put_nowait(frame)
            case Emit(event=event):
                self._emit(event)
            case OpenTransport(not_before=not_before):
                self._start(_Transport(self._open_wire, self._opened), not_before)
            case AdoptTransport():
                assert self._waiting is not None, "adopted is what `adopt` offers"
                patience_s = self._session.snapshot.limits.close_timeout_s
                asyncio.get_running_loop().call_later(patience_s, self._transport.drop)
                self._start(self._waiting, self._clock())
                self._waiting = None
            case CloseTransport():
                self._transport.outbox.put_nowait(output)
            case AbortTransport():
                self._transport.drop()
            case _:
                assert_never(output)

    async def _carry(self, transport: _Transport, not_before: float) -> None:
        """Hold a wire open: read from it here, write to it beside; whatever ends it becomes an input."""
        lost = WireLost("reset")
        try:
            await asyncio.sleep(not_before - self._clock())
            async with transport.open_wire() as wire:
                self.post(partial(self._open, transport, wire))
                writer = asyncio.create_task(self._write(transport, wire))
                try:
                    lost = await self._read(transport, wire)
                finally:
                    await cancel_and_wait(writer)
        except WireLost as error:
            lost = error
        finally:
            transport.over.set()
            self._report(transport, lost)

    async def _read(self, transport: _Transport, wire: Wire) -> WireLost:
        try:
            while True:
                frame = await wire.receive()
                self.post(partial(self._hear, transport, frame))
                while self._session.reading_suspended:
                    await self.moved()
        except WireLost as lost:
            return lost

    async def _write(self, transport: _Transport, wire: Wire) -> None:
        """Send what is queued. A write that fails or stalls ends the wire; what has been read stays read (rule 3)."""
        stall_s = self._session.snapshot.limits.write_stall_s
        try:
            while True:
                item = await transport.outbox.get()
                if isinstance(item, CloseTransport):
                    self.post(partial(self._empty, transport))
                    await wire.close(item.code, item.reason)
                    return
                try:
                    async with asyncio.timeout(stall_s):
                        await wire.send(item)
                except TimeoutError:
                    self._report(transport, WireLost("stalled"))
                    await wire.abort()
                    return
        except WireLost:
            # The reader still gets what the peer said before it went, and then the reason.
            return
