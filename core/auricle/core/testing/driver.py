"""`Driver`: a model driver of any session (notes/sans-io.md §5): one inbox, outputs executed in order, timers.

Each `OpenTransport` begins a new connection and old ones are not read; `CloseTransport` is a closing handshake
that goes on reading; `AbortTransport` drops the connection.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import assert_never

from auricle.core.errors import ABNORMAL_CLOSURE
from auricle.core.events import Event
from auricle.core.outputs import (
    AbortTransport,
    AdoptTransport,
    CloseTransport,
    Emit,
    Frame,
    OpenTransport,
    Output,
    Transmit,
)
from auricle.core.session import Outputs, Session
from auricle.core.stimuli import LossKind
from auricle.core.testing.event_queue import EventQueue
from auricle.core.testing.network import End

Verb = Callable[[float], Outputs]
"""A call of a session at a given time."""


class DriverObserver:
    """Callbacks of a driver. These do nothing."""

    def said(self, driver: "Driver", said: Transmit) -> None:
        """A frame is about to be sent."""

    def stepped(self, driver: "Driver") -> None:
        """An input has been taken and its outputs have been executed."""

    def waking(self, driver: "Driver") -> None:
        """The loop was blocked and is about to continue."""

    def timers_fired(self, driver: "Driver") -> None:
        """Timers have been handled."""

    def heard(self, driver: "Driver", transport: "Transport", frame: Frame) -> None:
        """A frame arrives."""

    def lost(self, driver: "Driver", how: LossKind, code: int) -> None:
        """A transport has ended."""


class Loop:
    """The event loop of drivers. While it is blocked no timer fires and nothing is read."""

    def __init__(self, event_queue: EventQueue) -> None:
        self.event_queue = event_queue
        self.asleep_until = 0.0
        self.drivers: list[Driver] = []
        self.timers_first = True
        """Whether, after it was blocked, timers fire before the frames that have arrived are read."""

    @property
    def is_asleep(self) -> bool:
        """Whether the loop is blocked."""
        return self.event_queue.now < self.asleep_until

    def oversleep(self, seconds: float) -> None:
        """Block the loop."""
        self.asleep_until = max(self.asleep_until, self.event_queue.now + seconds)
        self.event_queue.at(self.asleep_until, self._wake)

    def _wake(self) -> None:
        if self.is_asleep:
            return
        drivers = list(self.drivers)
        for driver in drivers:
            driver.observer.waking(driver)
        for awake in (
            (Driver.fire_timers, Driver.read_on) if self.timers_first else (Driver.read_on, Driver.fire_timers)
        ):
            for driver in drivers:
                awake(driver)


class Transport:
    """A transport of a driver, from the request for it to its end."""

    def __init__(self, driver: "Driver") -> None:
        self.driver = driver
        self.end: End | None = None
        self.dropped = False

    def attach(self, end: End) -> None:
        """Use an open end of a connection; it may have ended already."""
        self.end = end
        end.owner = self
        if end.over:
            self.lost("reset", ABNORMAL_CLOSURE, "")
        end.read_on()

    def heard(self, frame: Frame) -> None:
        """A frame has been read."""
        self.driver.hear(self, frame)

    def emptied(self) -> None:
        """Everything before the Close frame has been written."""
        self.driver.post(partial(self.driver.empty, self))

    def lost(self, how: LossKind, code: int, reason: str) -> None:
        """The connection has ended."""
        self.driver.lose(self, how, code, reason)

    def abort(self) -> None:
        """Abort the connection, now or as soon as it opens."""
        if not self.dropped:
            self.dropped = True
            if self.end is not None:
                self.end.abort()


class Driver:
    """Runs one session. ``open_wire`` opens transports (client only), ``emit`` takes the events."""

    def __init__(
        self,
        name: str,
        session: Session,
        loop: Loop,
        *,
        emit: Callable[[Event], None],
        open_wire: Callable[[Transport, float], None],
        observer: DriverObserver,
        lateness_s: Callable[[], float] = float,
    ) -> None:
        self.name = name
        self.session = session
        self.transport = Transport(self)
        self.done = False
        """Whether the session is finished and the driver has stopped."""
        self._loop, self._event_queue = loop, loop.event_queue
        self._emit, self._open_wire, self.observer = emit, open_wire, observer
        self._lateness_s = lateness_s
        self._inbox: deque[Verb] = deque()
        self._waiting: Transport | None = None
        self._running = False
        self._armed: float | None = None
        loop.drivers.append(self)

    @property
    def wakes_at(self) -> float | None:
        """When its loop continues, in virtual seconds; None: it is not blocked."""
        return self._loop.asleep_until if self._loop.is_asleep else None

    def post(self, verb: Verb) -> None:
        """Queue an input for the session; inputs are taken in order, each with all its outputs executed."""
        self._inbox.append(verb)
        self.run()

    def run(self) -> None:
        """Take the inputs in the inbox, unless that is under way or the loop is blocked."""
        if self._running or self._loop.is_asleep:
            return
        self._running = True
        while self._inbox and not self.done:
            self._take(self._inbox.popleft()(self._event_queue.now))
        self._running = False
        self._arm()

    def fire_timers(self) -> None:
        """Fire the timers that are due."""
        self._armed = None
        if self._running or self._loop.is_asleep or self.done:
            return
        deadline, now = self.session.next_deadline, self._event_queue.now
        if deadline is not None and deadline <= now:
            self._running = True
            self._take(self.session.handle_timeout(now=now))
            self._running = False
            self.observer.timers_fired(self)
        self.run()

    def read_on(self) -> None:
        """Read the frames that arrived while the loop was blocked."""
        if self.transport.end is not None:
            self.transport.end.read_on()
        self.run()

    def adopt(self, end: End, verb: Verb) -> None:
        """Offer the session a new connection: ``verb`` reports it, and the session answers with `AdoptTransport`."""
        transport = Transport(self)

        def offer(now: float) -> Outputs:
            self._waiting = transport
            transport.end = end
            return verb(now)

        self.post(offer)
        transport.attach(end)

    def opened(self, transport: Transport, end: End, verb: Verb) -> None:
        """A requested connection is open; ``verb`` reports it to the session."""
        if transport.dropped:
            end.abort()
            return
        transport.end = end
        self.post(lambda now: verb(now) if transport is self.transport else ())
        transport.attach(end)

    def hear(self, transport: Transport, frame: Frame) -> None:
        """Take a frame of a transport; only the newest transport is read."""
        self.post(partial(self._hear, transport, frame))

    def lose(self, transport: Transport, how: LossKind, code: int, reason: str) -> None:
        """Take the end of a transport."""
        self.post(partial(self._lose, transport, how, code, reason))

    def empty(self, transport: Transport, now: float) -> Outputs:
        """Report that a transport has written everything before the Close frame."""
        return self.session.emptied(now=now) if transport is self.transport else ()

    def kill(self) -> None:
        """Stop as a killed process does: the session gets no input, and the sockets are closed."""
        self.done = True
        self._inbox.clear()
        self.transport.abort()
        self._loop.drivers.remove(self)

    def _hear(self, transport: Transport, frame: Frame, now: float) -> Outputs:
        if transport is not self.transport:
            return ()
        self.observer.heard(self, transport, frame)
        return self.session.receive(frame, now=now)

    def _lose(self, transport: Transport, how: LossKind, code: int, reason: str, now: float) -> Outputs:
        if transport is not self.transport:
            return ()
        self.observer.lost(self, how, code)
        return self.session.transport_lost(how, code, reason, now=now)

    def _take(self, outputs: Outputs) -> None:
        for output in outputs:
            self._do(output)
        self.observer.stepped(self)
        if self.session.finished and not self.done:
            self.done = True
            self.transport.abort()
            self._loop.drivers.remove(self)

    def _do(self, output: Output) -> None:
        end = self.transport.end
        match output:
            case Transmit(frame=frame):
                self.observer.said(self, output)
                if end is not None:
                    end.send(frame)
            case Emit(event=event):
                self._emit(event)
            case OpenTransport(not_before=not_before):
                self.transport = Transport(self)
                self._open_wire(self.transport, not_before)
            case AdoptTransport():
                self._adopt()
            case CloseTransport(code=code, reason=reason):
                if end is not None:
                    end.close(code, reason)
            case AbortTransport():
                self.transport.abort()
                self.lose(self.transport, "reset", ABNORMAL_CLOSURE, "")
            case _:
                assert_never(output)

    def _adopt(self) -> None:
        assert self._waiting is not None, "adopted is what `adopt` offers"
        old = self.transport
        self._event_queue.after(self.session.snapshot.limits.close_timeout_s, old.abort)
        self.transport, self._waiting = self._waiting, None

    def _arm(self) -> None:
        deadline = None if self.done else self.session.next_deadline
        if deadline is not None and (self._armed is None or deadline < self._armed):
            self._armed = deadline
            self._event_queue.at(deadline + self._lateness_s(), partial(self._due, deadline))

    def _due(self, deadline: float) -> None:
        if deadline == self._armed:  # a timer that an earlier one has replaced does not fire
            self.fire_timers()
