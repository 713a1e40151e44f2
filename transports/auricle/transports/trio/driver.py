"""The trio driver: it moves frames, events and time between a session and the world, and decides nothing.

The ten driver rules of notes/sans-io.md §5 hold by construction: one task (`Driver.run`) owns the session and all
others post to its inbox; every output is routed before the next input is taken; only the writer task sends;
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
        self.ended = trio.Event()


class Driver(BaseDriver):
    """Runs one session on trio. See `BaseDriver` for the parameters."""

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
        self._offered: _Transport | None = None

    async def run(self, first: Outputs) -> None:
        """Run the session from the outputs ``first`` until it is finished. Releases every wire, also on a cancel.

        Raises nothing: see `raise_failure`.
        """
        try:
            async with trio.open_nursery() as nursery:
                try:
                    self._route(first, nursery)
                    while not self._session.finished:
                        self._route(await self._next(), nursery)
                        self._notify_session_changed()
                    self._transport.scope.cancel()
                except Exception as error:
                    self._failure = error
                    nursery.cancel_scope.cancel()
        finally:
            self._finish()

    async def adopt(self, open_wire: OpenWire, verb: Verb) -> None:
        """Offer the session another wire, and wait until the session is done with it.

        ``verb`` is the input that makes the session return `AdoptTransport`. Raises `LocalProtocolError` where the
        session refuses; the wire then still belongs to the caller.
        """
        transport = _Transport(open_wire, lambda _wire, _now: ())

        def offer(now: float) -> Outputs:
            self._offered = transport
            return verb(now)

        await self.call(offer)
        if not self._running and not self._is_current(transport):
            raise LocalProtocolError("the driver of the session has ended")
        await transport.ended.wait()

    def _is_current(self, transport: Transport) -> bool:
        return transport is self._transport

    async def _next(self) -> Outputs:
        if self._inbox:  # nothing is waited for, so that no timer is needed: each frame of each session comes here
            return self._inbox.popleft()(trio.current_time())
        deadline = self._session.next_deadline
        with trio.move_on_at(math.inf if deadline is None else deadline):
            verb = await self._next_input()
            return verb(trio.current_time())
        # Rule 7: trust the clock, but a timer that fired has fired.
        return self._session.handle_timeout(now=max(trio.current_time(), deadline or 0.0))

    def _route(self, outputs: Outputs, nursery: trio.Nursery) -> None:
        for output in outputs:
            self._execute(output, nursery)

    def _execute(self, output: Output, nursery: trio.Nursery) -> None:
        match output:
            case Transmit(frame=frame):
                self._transport.outbox_in.send_nowait(frame)
            case Emit(event=event):
                self._emit(event)
            case OpenTransport(not_before=not_before):
                self._transport = _Transport(self._open_wire, self._opened)
                nursery.start_soon(self._run_transport, self._transport, not_before)
            case AdoptTransport():
                assert self._offered is not None, "only `adopt` offers a transport"
                self._transport.scope.deadline = trio.current_time() + self._session.snapshot.limits.close_timeout_s
                self._transport, self._offered = self._offered, None
                nursery.start_soon(self._run_transport, self._transport, trio.current_time())
            case CloseTransport():
                self._transport.outbox_in.send_nowait(output)
            case AbortTransport():
                self._transport.scope.cancel()
            case _:
                assert_never(output)

    async def _run_transport(self, transport: _Transport, not_before: float) -> None:
        """Open a wire, read from it, and run its writer beside; its loss is reported to the session."""
        lost = WireLost("reset")
        try:
            with transport.scope:
                await trio.sleep_until(not_before)
                try:
                    async with transport.open_wire() as wire:
                        self.post(partial(self._wire_opened, transport, wire))
                        async with trio.open_nursery() as nursery:
                            nursery.start_soon(self._write, transport, wire)
                            lost = await self._read(transport, wire)
                            nursery.cancel_scope.cancel()
                except WireLost as error:
                    lost = error
                except Exception as error:
                    self._fail(error)
        finally:
            transport.ended.set()
        self._report_loss(transport, lost)

    async def _read(self, transport: _Transport, wire: Wire) -> WireLost:
        try:
            while True:
                frame = await wire.receive()
                self.post(partial(self._frame_received, transport, frame))
                while self._session.reading_suspended:
                    await self.session_changed()
        except WireLost as lost:
            return lost

    async def _write(self, transport: _Transport, wire: Wire) -> None:
        """Send the outbox. A write that fails or stalls ends the wire; frames received before count (rule 3)."""
        stall_s = self._session.snapshot.limits.write_stall_s
        try:
            async for item in transport.outbox:
                if isinstance(item, CloseTransport):
                    self.post(partial(self._outbox_emptied, transport))
                    await wire.close(item.code, item.reason)
                    return
                with trio.move_on_after(stall_s) as scope:
                    await wire.send(item)
                if scope.cancelled_caught:
                    self._report_loss(transport, WireLost("stalled"))
                    await wire.abort()
                    return
        except WireLost:
            # The reader still receives what the peer sent before the loss, and then the reason.
            return
        except Exception as error:
            self._fail(error)
