"""The asyncio driver: the twin of `auricle.transports.trio.driver`, rule for rule, in asyncio's own terms.

Native rather than through an adapter: the two worlds differ in exactly the thing that matters here, cancellation.
Every task the driver starts is awaited before `Driver.run` returns, also when it is cancelled.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import assert_never

from auricle.core import AbortTransport, CloseTransport, Emit, Frame, OpenTransport, Output, Transmit
from auricle.core.events import Event
from auricle.core.session import Outputs, Session
from auricle.transports.asyncio.tasks import cancel_and_wait
from auricle.transports.driver import BaseDriver, OpenWire
from auricle.transports.wire import Wire, WireLost


class Driver(BaseDriver):
    """Runs one session over one wire, in asyncio's own terms. See `BaseDriver` for the parameters."""

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
        self._outbox: asyncio.Queue[Frame | CloseTransport] = asyncio.Queue()
        self._transport: asyncio.Task[None] | None = None

    async def run(self, first: Outputs) -> None:
        """Drive the session until it is finished. Always ends, cancelled or not, with the wire gone."""
        try:
            self._route(first)
            while not self._session.finished:
                self._route(await self._next())
                self._announce()
        finally:
            try:
                await cancel_and_wait(self._transport)
            finally:
                self._finish()

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
            while True:
                item = await self._outbox.get()
                if isinstance(item, CloseTransport):
                    await wire.close(item.code, item.reason)
                    return
                try:
                    async with asyncio.timeout(stall_s):
                        await wire.send(item)
                except TimeoutError:
                    self.post(partial(self._lose, WireLost("stalled")))
                    await wire.abort()
                    return
        except WireLost:
            # The reader still gets what the peer said before it went, and then the reason.
            return
