"""What both drivers are: an inbox, its owner's rules, and nothing that knows trio from asyncio.

The native halves, `auricle.transports.trio.driver` and `auricle.transports.asyncio.driver`, hold what differs: tasks,
cancellation and waiting for a time.
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
from auricle.transports.wire import Wire, WireLost

Verb = Callable[[float], Outputs]
"""Something to do to the session at a given time, in seconds of the driver's clock."""
OpenWire = Callable[[], AbstractAsyncContextManager[Wire]]
"""Opens a wire for as long as it is needed. Raises `WireLost` where it cannot."""


class Signal(Protocol):
    """What `trio.Event` and `asyncio.Event` have in common."""

    def set(self) -> Any:
        """Let everybody pass, from now on."""

    def wait(self) -> Awaitable[Any]:
        """Wait until it is set."""


class Transport:
    """One wire, from the wish for it to its end. The native drivers add how it is written to and how it is dropped."""

    def __init__(self, open_wire: OpenWire, opened: Callable[[Wire, float], Outputs]) -> None:
        self.open_wire = open_wire
        self.opened = opened
        self.reported = False
        """Whether its loss has been: a wire is lost once."""


class BaseDriver:
    """Runs one session over one wire after another.

    ``opened`` is called once a wire is open and returns what the session makes of that (a server's session is born
    with its wire and makes nothing of it). ``emit`` gets every event, in order, and must not block.

    Only the newest transport is listened to: a session that has asked for another one, or has been handed one, is done
    with those before it.
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
        self._moved = new_signal()
        self._running = True

    def post(self, verb: Verb) -> None:
        """Hand the session an input. Never blocks; verbs are done in the order they are posted."""
        if self._running:
            self._inbox.append(verb)
            self._arrived.set()

    async def call(self, verb: Verb) -> None:
        """Hand the session an input and wait until it is done. Raises what the session raises.

        A cancel stops the waiting, not the verb (driver rule 6).
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

    async def moved(self) -> None:
        """Wait until something has happened to the session."""
        await self._moved.wait()

    async def _take(self) -> Verb:
        """Wait for the next input. A cancel loses none."""
        while not self._inbox:
            self._arrived = self._new_signal()
            await self._arrived.wait()
        return self._inbox.popleft()

    def _is_current(self, transport: Transport) -> bool:
        """Whether the session still listens to a transport."""
        raise NotImplementedError

    def _open(self, transport: Transport, wire: Wire, now: float) -> Outputs:
        return transport.opened(wire, now) if self._is_current(transport) else ()

    def _hear(self, transport: Transport, frame: Frame, now: float) -> Outputs:
        return self._session.receive(frame, now=now) if self._is_current(transport) else ()

    def _empty(self, transport: Transport, now: float) -> Outputs:
        return self._session.emptied(now=now) if self._is_current(transport) else ()

    def _report(self, transport: Transport, lost: WireLost) -> None:
        """Hand the session the loss of a transport, once."""
        if not transport.reported:
            transport.reported = True
            self.post(partial(self._lose, transport, lost))

    def _lose(self, transport: Transport, lost: WireLost, now: float) -> Outputs:
        if not self._is_current(transport):
            return ()
        return self._session.transport_lost(lost.how, lost.code, lost.reason, now=now)

    def _announce(self) -> None:
        """Wake whoever waits for something to have happened."""
        self._moved.set()
        self._moved = self._new_signal()

    def _finish(self) -> None:
        """The driver has ended, perhaps by a cancel: nobody may be left waiting for it.

        What was posted too late to matter is done all the same, and whoever reads the events gets the terminal one.
        """
        self._running = False
        while self._inbox:
            self._tell(self._inbox.popleft()(self._clock()))
        if self._session.closed is None:
            now, why = self._clock(), "the driver was cancelled"
            self._tell(self._session.transport_lost("cancelled", ABNORMAL_CLOSURE, why, now=now))
        self._announce()

    def _tell(self, outputs: Outputs) -> None:
        """Hand on the events; there is no transport left for anything else."""
        for output in outputs:
            if isinstance(output, Emit):
                self._emit(output.event)
