"""The asyncio driver: the same rules as `auricle.transports.trio.driver`, with asyncio's tasks and cancellation.

It uses no adapter layer, because the two event loops differ in what matters here, cancellation. Every task that the
driver starts is awaited before `Driver.run` returns, also when it is cancelled.
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
        self.ended = asyncio.Event()

    def drop(self) -> None:
        """Cancel the task that holds the wire."""
        if self.task is not None:
            self.task.cancel()


class Driver(BaseDriver):
    """Runs one session on asyncio. See `BaseDriver` for the parameters."""

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
        self._offered: _Transport | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, first: Outputs) -> None:
        """Run the session from the outputs ``first`` until it is finished. Releases every wire, also on a cancel.

        Raises nothing: see `raise_failure`.
        """
        try:
            self._route(first)
            while not self._session.finished:
                self._route(await self._next())
                self._notify_session_changed()
        except Exception as error:
            self._failure = error
        finally:
            try:
                await self._drop_all()
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

    async def _drop_all(self) -> None:
        """Cancel every transport and wait for it."""
        for task in tuple(self._tasks):
            await cancel_and_wait(task)

    def _is_current(self, transport: Transport) -> bool:
        return transport is self._transport

    def _start(self, transport: _Transport, not_before: float) -> None:
        self._transport = transport
        transport.task = asyncio.create_task(self._run_transport(transport, not_before))
        self._tasks.add(transport.task)
        transport.task.add_done_callback(self._tasks.discard)
        # A task that is cancelled before its first step never runs its `finally`.
        transport.task.add_done_callback(lambda _: transport.ended.set())

    async def _next(self) -> Outputs:
        deadline = self._session.next_deadline
        if deadline is not None and deadline <= self._clock():
            return self._session.handle_timeout(now=self._clock())
        try:
            async with asyncio.timeout_at(deadline):
                verb = await self._next_input()
        except TimeoutError:
            # Rule 7: trust the clock, but a timer that fired has fired.
            return self._session.handle_timeout(now=max(self._clock(), deadline or 0.0))
        return verb(self._clock())

    def _route(self, outputs: Outputs) -> None:
        for output in outputs:
            self._execute(output)

    def _execute(self, output: Output) -> None:
        match output:
            case Transmit(frame=frame):
                self._transport.outbox.put_nowait(frame)
            case Emit(event=event):
                self._emit(event)
            case OpenTransport(not_before=not_before):
                self._start(_Transport(self._open_wire, self._opened), not_before)
            case AdoptTransport():
                assert self._offered is not None, "only `adopt` offers a transport"
                close_timeout_s = self._session.snapshot.limits.close_timeout_s
                asyncio.get_running_loop().call_later(close_timeout_s, self._transport.drop)
                self._start(self._offered, self._clock())
                self._offered = None
            case CloseTransport():
                self._transport.outbox.put_nowait(output)
            case AbortTransport():
                self._transport.drop()
            case _:
                assert_never(output)

    async def _run_transport(self, transport: _Transport, not_before: float) -> None:
        """Open a wire, read from it, and run its writer beside; its loss is reported to the session."""
        lost = WireLost("reset")
        try:
            await asyncio.sleep(not_before - self._clock())
            async with transport.open_wire() as wire:
                self.post(partial(self._wire_opened, transport, wire))
                writer = asyncio.create_task(self._write(transport, wire))
                try:
                    lost = await self._read(transport, wire)
                finally:
                    await cancel_and_wait(writer)
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
            while True:
                item = await transport.outbox.get()
                if isinstance(item, CloseTransport):
                    self.post(partial(self._outbox_emptied, transport))
                    await wire.close(item.code, item.reason)
                    return
                try:
                    async with asyncio.timeout(stall_s):
                        await wire.send(item)
                except TimeoutError:
                    self._report_loss(transport, WireLost("stalled"))
                    await wire.abort()
                    return
        except WireLost:
            # The reader still receives what the peer sent before the loss, and then the reason.
            return
        except Exception as error:
            self._fail(error)
