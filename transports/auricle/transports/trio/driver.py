"""The trio driver: it moves frames, events and time between a session and the world, and decides nothing.

The ten driver rules of notes/sans-io.md §5 are kept by construction: one task (`Driver.run`) owns the session and
everybody else posts to its inbox; every output is routed before the next input is taken; only the writer task sends;
the reader waits for nothing but the wire.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import assert_never

import trio

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
from auricle.transports.driver import BaseDriver, OpenWire, Transport, Verb
from auricle.transports.wire import Wire, WireLost


class _Transport(Transport):
    def __init__(self, open_wire: OpenWire, opened: Callable[[Wire, float], Outputs]) -> None:
        super().__init__(open_wire, opened)
        self.outbox_in, self.outbox = trio.open_memory_channel[Frame | CloseTransport](math.inf)
        self.scope = trio.CancelScope()
        self.over = trio.Event()


class Driver(BaseDriver):
    """Runs one session, in trio's own terms. See `BaseDriver` for the parameters."""

    def __init__(
        self,
        session: Session,
        *,
        open_wire: OpenWire,
        opened: Callable[[Wire, float], Outputs],
        emit: Callable[[Event], None],
    ) -> None:
        super().__init__(
            session, open_wire=open_wire, opened=opened, emit=emit, new_signal=trio.Event, clock=trio.current_time
        )
        self._transport = _Transport(open_wire, opened)
        self._waiting: _Transport | None = None

    async def run(self, first: Outputs) -> None:
        """Drive the session until it is finished. Always ends, cancelled or not, with the wire gone."""
        try:
            async with trio.open_nursery() as nursery:
                self._route(first, nursery)
                while not self._session.finished:
                    self._route(await self._next(), nursery)
                    self._announce()
                self._transport.scope.cancel()
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

    def _is_current(self, transport: Transport) -> bool:
        return transport is self._transport

    async def _next(self) -> Outputs:
        deadline = self._session.next_deadline
        with trio.move_on_at(math.inf if deadline is None else deadline):
            verb = await self._take()
            return verb(trio.current_time())
        # Rule 7: trust the clock, but a timer that fired has fired.
        return self._session.handle_timeout(now=max(trio.current_time(), deadline or 0.0))

    def _route(self, outputs: Outputs, nursery: trio.Nursery) -> None:
        for output in outputs:
            self._do(output, nursery)

    def _do(self, output: Output, nursery: trio.Nursery) -> None:
        match output:
            case Transmit(frame=frame):
                self._transport.outbox_in.send_nowait(frame)
            case Emit(event=event):
                self._emit(event)
            case OpenTransport(not_before=not_before):
                self._transport = _Transport(self._open_wire, self._opened)
                nursery.start_soon(self._carry, self._transport, not_before)
            case AdoptTransport():
                assert self._waiting is not None, "adopted is what `adopt` offers"
                self._transport.scope.deadline = trio.current_time() + self._session.snapshot.limits.close_timeout_s
                self._transport, self._waiting = self._waiting, None
                nursery.start_soon(self._carry, self._transport, trio.current_time())
            case CloseTransport():
                self._transport.outbox_in.send_nowait(output)
            case AbortTransport():
                self._transport.scope.cancel()
            case _:
                assert_never(output)

    async def _carry(self, transport: _Transport, not_before: float) -> None:
        """Hold a wire open: read from it here, write to it beside; whatever ends it becomes an input."""
        lost = WireLost("reset")
        try:
            with transport.scope:
                await trio.sleep_until(not_before)
                try:
                    async with transport.open_wire() as wire:
                        self.post(partial(self._open, transport, wire))
                        async with trio.open_nursery() as nursery:
                            nursery.start_soon(self._write, transport, wire)
                            lost = await self._read(transport, wire)
                            nursery.cancel_scope.cancel()
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
            async for item in transport.outbox:
                if isinstance(item, CloseTransport):
                    self.post(partial(self._empty, transport))
                    await wire.close(item.code, item.reason)
                    return
                with trio.move_on_after(stall_s) as patience:
                    await wire.send(item)
                if patience.cancelled_caught:
                    self._report(transport, WireLost("stalled"))
                    await wire.abort()
                    return
        except WireLost:
            # The reader still gets what the peer said before it went, and then the reason.
            return
