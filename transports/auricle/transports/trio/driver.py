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

from auricle.core import AbortTransport, CloseTransport, Emit, Frame, OpenTransport, Output, Transmit
from auricle.core.events import Event
from auricle.core.session import Outputs, Session
from auricle.transports.driver import BaseDriver, OpenWire
from auricle.transports.wire import Wire, WireLost


class Driver(BaseDriver):
    """Runs one session over one wire, in trio's own terms. See `BaseDriver` for the parameters."""

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
        self._outbox_in, self._outbox = trio.open_memory_channel[Frame | CloseTransport](math.inf)
        self._transport = trio.CancelScope()

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
            self._finish()

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
        self.post(partial(self._lose, lost))

    async def _read(self, wire: Wire) -> WireLost:
        try:
            while True:
                frame = await wire.receive()
                self.post(partial(self._hear, frame))
                while self._session.reading_suspended:
                    await self.moved()
        except WireLost as lost:
            return lost

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
                    self.post(partial(self._lose, WireLost("stalled")))
                    await wire.abort()
                    return
        except WireLost:
            # The reader still gets what the peer said before it went, and then the reason.
            return
