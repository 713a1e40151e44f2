"""The base of the drivers: the inbox and the rules of its owner, independent of the event loop.

The native halves, `auricle.transports.trio.driver` and `auricle.transports.asyncio.driver`, hold what differs: tasks,
cancellation and timers.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Protocol

from auricle.core import Emit, Frame, LocalProtocolError
from auricle.core.errors import ABNORMAL_CLOSURE
from auricle.core.events import Event
from auricle.core.session import Outputs, Session
from auricle.transports.errors import InternalError
from auricle.transports.wire import Wire, WireLost

Verb = Callable[[float], Outputs]
"""An input to the session: called with the time in seconds of the driver's clock, returns the session's outputs."""
OpenWire = Callable[[], AbstractAsyncContextManager[Wire]]
"""Returns a context manager that opens a wire and holds it open. Raises `WireLost` where it cannot."""


class Signal(Protocol):
    """The common interface of `trio.Event` and `asyncio.Event`."""

    def set(self) -> Any:
        """Set the event: `wait` returns at once from now on."""

    def wait(self) -> Awaitable[Any]:
        """Wait until the event is set."""


class Transport:
    """One wire, from the request to open it to its end. The native drivers add the outbox and cancellation."""

    def __init__(self, open_wire: OpenWire, opened: Callable[[Wire, float], Outputs]) -> None:
        self.open_wire = open_wire
        self.opened = opened
        self.reported = False
        """Whether its loss has been reported to the session, which happens once."""


class BaseDriver:
    """Runs one session over one wire after another.

    ``opened`` is called when a wire is open, and returns the session's outputs (none for a server's session, which is
    created with its wire). ``emit`` is called with every event, in order, and must not block. ``new_signal`` makes an
    event of the loop, ``clock`` returns its time in seconds.

    Only the current transport counts: frames and losses of those that it replaced are ignored.
    """

    def __init__(
        self,
        session: Session,
        *,
        open_wire: OpenWire,
        opened: Callable[[Wire, float], Outputs],
        emit: Callable[[Event], None],
        new_signal: Callable[[], Signal],
        clock: Callable[[], float],
    ) -> None:
        self._session = session
        self._open_wire = open_wire
        self._opened = opened
        self._emit = emit
        self._new_signal = new_signal
        self._clock = clock
        self._inbox: deque[Verb] = deque()
        self._arrived = new_signal()
        self._session_changed = new_signal()
        self._running = True
        self._failure: Exception | None = None
        """What ended the driver, where it was neither the session nor a cancel: a mistake of ours, or of a wire."""

    def raise_failure(self) -> None:
        """Raise `InternalError` where a mistake of ours, or of a wire, has ended the driver."""
        if self._failure is not None:
            raise InternalError(f"{self._mistake()}. Please report it.") from self._failure

    @property
    def now(self) -> float:
        """The time in seconds of the driver's clock."""
        return self._clock()

    def post(self, verb: Verb) -> None:
        """Post an input to the session. Never blocks; inputs run in order. Ignored once the driver has ended."""
        if self._running:
            self._inbox.append(verb)
            self._arrived.set()

    async def call(self, verb: Verb) -> None:
        """Post an input to the session and wait until it has run. Raises `LocalProtocolError` as the session does.

        A cancel ends the wait, not the input (driver rule 6).
        """
        done, refusals = self._new_signal(), list[LocalProtocolError]()

        def act(now: float) -> Outputs:
            try:
                return verb(now)
            except LocalProtocolError as refusal:
                refusals.append(refusal)
                return ()
            finally:
                done.set()

        if self._running:
            self.post(act)
        else:
            act(self._clock())
        await done.wait()
        if refusals:
            raise refusals[0]

    async def session_changed(self) -> None:
        """Wait until the session has taken its next input."""
        await self._session_changed.wait()

    async def _next_input(self) -> Verb:
        """Wait for the next input in the inbox. A cancel loses none."""
        while not self._inbox:
            self._arrived = self._new_signal()
            await self._arrived.wait()
        return self._inbox.popleft()

    def _is_current(self, transport: Transport) -> bool:
        """Whether the transport is the session's current one."""
        raise NotImplementedError

    def _wire_opened(self, transport: Transport, wire: Wire, now: float) -> Outputs:
        return transport.opened(wire, now) if self._is_current(transport) else ()

    def _frame_received(self, transport: Transport, frame: Frame, now: float) -> Outputs:
        return self._session.receive(frame, now=now) if self._is_current(transport) else ()

    def _outbox_emptied(self, transport: Transport, now: float) -> Outputs:
        return self._session.emptied(now=now) if self._is_current(transport) else ()

    def _report_loss(self, transport: Transport, lost: WireLost) -> None:
        """Post the loss of a transport to the session, once."""
        if not transport.reported:
            transport.reported = True
            self.post(partial(self._wire_lost, transport, lost))

    def _wire_lost(self, transport: Transport, lost: WireLost, now: float) -> Outputs:
        if not self._is_current(transport):
            return ()
        return self._session.transport_lost(lost.how, lost.code, lost.reason, now=now)

    def _notify_session_changed(self) -> None:
        """Wake the tasks that wait in `session_changed`."""
        self._session_changed.set()
        self._session_changed = self._new_signal()

    def _finish(self) -> None:
        """End the driver, perhaps after a cancel, so that no task is left waiting for it.

        Inputs left in the inbox are executed, and a session that is still open gets its terminal event.
        """
        self._running = False
        if self._failure is not None:
            self._end_session(self._mistake())  # before anything else ends it, which knows nothing of that
        while self._inbox:
            try:
                self._emit_events(self._inbox.popleft()(self._clock()))
            except Exception as error:
                self._failure = self._failure or error
        self._end_session("the driver was cancelled" if self._failure is None else self._mistake())
        self._notify_session_changed()

    def _end_session(self, why: str) -> None:
        """Give a session that is still open its terminal event."""
        if self._session.closed is None:
            self._emit_events(self._session.transport_lost("cancelled", ABNORMAL_CLOSURE, why, now=self._clock()))

    def _fail(self, error: Exception) -> None:
        """End the driver because of an exception that nobody expects of a wire, or of this code."""
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]

        def fail(_now: float) -> Outputs:
            raise error

        self.post(fail)

    def _mistake(self) -> str:
        return f"Auricle made a mistake: {self._failure!r}"

    def _emit_events(self, outputs: Outputs) -> None:
        """Emit the events among the outputs; the others need a transport, and there is none."""
        for output in outputs:
            if isinstance(output, Emit):
                self._emit(output.event)
