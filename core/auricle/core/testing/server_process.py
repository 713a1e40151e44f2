"""`ServerProcess`: accepts connections, routes their first frames to sessions, and may be killed or stopped.

A ``resume`` goes to the session that it names; everything else, and a ``resume`` that fits no session, gets a new one.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from auricle.core.events import Event
from auricle.core.first_frame import read_resume
from auricle.core.limits import Limits
from auricle.core.messages import PROTOCOL, Resume
from auricle.core.outputs import Frame
from auricle.core.server import ServerSession
from auricle.core.session import Outputs
from auricle.core.stimuli import LossKind
from auricle.core.testing.driver import Driver, DriverObserver, Loop, Transport
from auricle.core.testing.engine import Engine
from auricle.core.testing.network import End
from auricle.core.timers import LATE_TIMER_S


class MakeEngine(Protocol):
    """Makes the application of a session."""

    def __call__(self, driver: Driver, process: "ServerProcess") -> Engine:
        """Return it."""


class ServerProcess:
    """A server process from its start to its end."""

    def __init__(
        self,
        loop: Loop,
        limits: Limits,
        make_engine: MakeEngine,
        observer: DriverObserver,
        emit: Callable[[Driver, Event], None],
        *,
        number: int,
        lateness_s: Callable[[], float],
    ) -> None:
        self.loop, self._limits, self._make_engine, self._observer = loop, limits, make_engine, observer
        self._emit, self._lateness_s = emit, lateness_s
        self.number = number
        self.drivers: list[Driver] = []
        self.engines: dict[Driver, Engine] = {}
        self.names: dict[str, Driver] = {}
        self.stopping = False
        self._tokens = 0

    def accept(self, end: End) -> None:
        """Take an open connection: wait for its first frame."""
        _FirstFrameReader(self, end, self.loop.event_queue.now, self._limits)

    def token(self) -> str:
        """Return a new token."""
        self._tokens += 1
        return f"t{self.number}.{self._tokens}"

    def name(self, driver: Driver) -> str:
        """Return a new session id, and register the session under it."""
        name = f"s{self.number}.{len(self.names) + 1}"
        self.names[name] = driver
        return name

    def route_first_frame(self, end: End, opened_at: float, first: Frame | None) -> None:
        """Route a connection by its first frame; None: none came in time."""
        resume = None if first is None else read_resume(first, self._limits)
        driver = None if resume is None else self.names.get(resume.session)
        if resume is not None and driver is not None and not driver.done:
            session = driver.session
            assert isinstance(session, ServerSession)
            if session.admits(resume):
                driver.adopt(end, partial(self._attach, session, resume))
                return
        born = self._new_session(end, opened_at)
        if first is not None:
            born.hear(born.transport, first)

    def _attach(self, session: ServerSession, resume: Resume, now: float) -> Outputs:
        return session.attach(resume, fresh_token=self.token(), now=now)

    def _new_session(self, end: End, opened_at: float) -> Driver:
        session = ServerSession(PROTOCOL, now=opened_at, limits=self._limits)
        driver = Driver(
            f"S{self.number}.{len(self.drivers) + 1}",
            session,
            self.loop,
            emit=lambda event: self._route(driver, event),
            open_wire=_no_wire,
            observer=self._observer,
            lateness_s=self._lateness_s,
        )
        self.drivers.append(driver)
        self.engines[driver] = self._make_engine(driver, self)
        driver.transport.attach(end)
        driver.run()
        return driver

    def _route(self, driver: Driver, event: Event) -> None:
        self._emit(driver, event)
        self.engines[driver].take(event)

    def stop(self) -> None:
        """Stop: hand on the sessions that can go on elsewhere, and bring the others to their end."""
        self.stopping = True
        for driver in self.drivers:
            if not driver.done:
                driver.post(partial(_shut_down, driver))

    def fail(self) -> None:
        """Fail all open sessions."""
        for driver in self.drivers:
            if not driver.done:
                driver.post(partial(_fail, driver))

    def kill(self) -> None:
        """Kill the process."""
        self.stopping = True
        for driver in self.drivers:
            if not driver.done:
                driver.kill()


def _session(driver: Driver) -> ServerSession:
    assert isinstance(driver.session, ServerSession)
    return driver.session


def _shut_down(driver: Driver, now: float) -> Outputs:
    return _session(driver).shut_down(now=now)


def _fail(driver: Driver, now: float) -> Outputs:
    return _session(driver).fail("internal", "a fault", now=now)


def _no_wire(transport: Transport, not_before: float) -> None:
    raise AssertionError("a server's session asks for no wire")


class _FirstFrameReader:
    """Owns a connection until its first frame is routed."""

    def __init__(self, process: ServerProcess, end: End, opened_at: float, limits: Limits) -> None:
        self._process, self._end, self._opened_at = process, end, opened_at
        self._waiting = True
        end.owner = self
        process.loop.event_queue.after(limits.hello_timeout_s, self._time_out)

    def heard(self, frame: Frame) -> None:
        if self._waiting:
            self._waiting = False
            self._process.route_first_frame(self._end, self._opened_at, frame)

    def emptied(self) -> None:
        """Do nothing: only an answered Close frame has been written."""

    def lost(self, how: LossKind, code: int, reason: str) -> None:
        self._waiting = False

    def _time_out(self) -> None:
        loop = self._process.loop
        if loop.is_asleep:
            # It was we who slept: what has come meanwhile is read first (F9).
            loop.event_queue.at(loop.asleep_until + LATE_TIMER_S, self._time_out)
        elif self._waiting:
            self._waiting = False
            self._process.route_first_frame(self._end, self._opened_at, None)
