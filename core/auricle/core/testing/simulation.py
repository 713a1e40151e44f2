"""A deterministic simulation: a client, a server, an application and a network, from a scenario to the end.

No event loop, no clock, no randomness: the same scenario always leads to the same result, and hours pass in
milliseconds. `simulate` runs one and checks it; `auricle.core.testing.random_scenarios` makes one from a seed.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

from auricle.core.client import ClientSession
from auricle.core.errors import ABNORMAL_CLOSURE
from auricle.core.events import Event, Restarted, SessionClosed
from auricle.core.messages import PROTOCOL, Ready
from auricle.core.outputs import Frame, Transmit
from auricle.core.states import PEER_TIMEOUTS
from auricle.core.stimuli import LossKind
from auricle.core.testing.application import Application
from auricle.core.testing.driver import Driver, DriverObserver, Loop, Transport
from auricle.core.testing.engine import Engine
from auricle.core.testing.event_queue import EventQueue
from auricle.core.testing.faults import Faults
from auricle.core.testing.monitors import CheckFailure, ClientMonitor, ServerMonitor
from auricle.core.testing.network import Connection, End
from auricle.core.testing.result_checks import check_end, time_allowed
from auricle.core.testing.scenario import Scenario
from auricle.core.testing.server_process import ServerProcess
from auricle.core.testing.synthetic_speech import SyntheticSpeech
from auricle.core.testing.transcript import Transcript
from auricle.core.timers import LATE_TIMER_S, deadlines

MAX_ACTIONS: Final = 400_000
"""More actions than any simulation needs; beyond that it is stopped."""

MAX_TIMERS_PER_S: Final = 500
"""Most timers of one session within a second: there may be one for each frame that arrives."""


class SimulationFailure(AssertionError):
    """A check has failed. ``simulation`` is the simulation up to there."""

    def __init__(self, why: str, simulation: "Simulation") -> None:
        super().__init__(f"at {simulation.event_queue.now:.3f} s: {why}")
        self.why = why
        self.simulation = simulation


@dataclass(frozen=True)
class Report:
    """The result of a simulation."""

    virtual_s: float
    """Duration in virtual seconds."""
    actions: int
    closed: SessionClosed
    coverage: frozenset[str]
    """What happened in it, by name."""


class Simulation(DriverObserver):
    """One simulation of a scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.event_queue = EventQueue()
        self.random = Random(scenario.seed)
        self.transcript = Transcript(self.event_queue)
        self.voice = SyntheticSpeech(scenario.seed, block=scenario.block, frame_bytes=scenario.start.audio.frame_bytes)
        self.client_loop, self.server_loop = Loop(self.event_queue), Loop(self.event_queue)
        for loop in (self.client_loop, self.server_loop):
            loop.timers_first = scenario.timers_first
        self.connections: list[Connection] = []
        self.processes: list[ServerProcess] = []
        self.faults = Faults(self)
        self._session_name = ""
        self.nearly_late = False
        """The client's loop was blocked so long that a timeout was due, but less than `LATE_TIMER_S` beyond it."""
        self._rings: dict[Driver, tuple[int, int]] = {}
        self.application = Application(scenario.steps, self.voice, self.event_queue)
        self.client = Driver(
            "C",
            ClientSession(scenario.start, now=0.0, limits=scenario.limits, seed=scenario.seed),
            self.client_loop,
            emit=self._client_emits,
            open_wire=self._open_wire,
            observer=self,
            lateness_s=self._lateness,
        )
        self.application.driver = self.client
        self.client_monitor = ClientMonitor(scenario)
        self.server_monitors: dict[Driver, ServerMonitor] = {}
        self.start_process()

    # ------------------------------------------------------------------------ servers and connections

    @property
    def process(self) -> ServerProcess:
        """The running server process."""
        return self.processes[-1]

    @property
    def connection(self) -> Connection | None:
        """The newest connection."""
        return self.connections[-1] if self.connections else None

    def start_process(self) -> None:
        """Start a new server process, without any session."""
        number = len(self.processes) + 1
        process = ServerProcess(
            self.server_loop,
            self.scenario.limits,
            self._make_engine,
            self,
            self._server_emits,
            number=number,
            lateness_s=self._lateness,
        )
        self.processes.append(process)

    def _make_engine(self, driver: Driver, process: ServerProcess) -> Engine:
        self.server_monitors[driver] = ServerMonitor(self.scenario)
        token = process.token() if self.scenario.resumable else None
        return Engine(
            driver,
            self.voice,
            self.scenario.engine_profile,
            self.event_queue,
            name=lambda: process.name(driver),
            token=lambda: token,
            full=self.faults.is_full,
        )

    def _lateness(self) -> float:
        return self.random.random() * self.scenario.lateness_s

    def _open_wire(self, transport: Transport, not_before: float) -> None:
        self.event_queue.at(not_before, lambda: self._connect(transport))

    def _connect(self, transport: Transport) -> None:
        self.transcript.note("net", "the client asks for a connection")
        if self.faults.hangs():
            return
        self.event_queue.after(self.scenario.connect_s, lambda: self._meet(transport))

    def _meet(self, transport: Transport) -> None:
        if self.faults.refuses() or self.process.stopping:
            self.transcript.note("net", "refused")
            transport.lost("refused", ABNORMAL_CLOSURE, "")
            return
        scenario = self.scenario
        number = len(self.connections) + 1
        connection = Connection(
            number,
            self.event_queue,
            scenario.up,
            scenario.down,
            Random(scenario.seed + number),
            scenario.limits.write_stall_s,
        )
        connection.is_asleep = self._is_asleep
        self.connections.append(connection)
        self.transcript.note("net", f"connection {number} is open")
        self.process.accept(connection.server)
        client = self.client.session
        assert isinstance(client, ClientSession)
        opened = lambda now: client.transport_opened(PROTOCOL, now=now)  # noqa: E731
        self.event_queue.after(
            scenario.down.latency_s, lambda: self.client.opened(transport, connection.client, opened)
        )

    def _is_asleep(self, end: End) -> bool:
        loop = self.client_loop if end is end.connection.client else self.server_loop
        if loop.is_asleep:
            self.event_queue.at(loop.asleep_until, end.read_on)
        return loop.is_asleep

    # ------------------------------------------------------------------------ callbacks of the drivers

    def _client_emits(self, event: Event) -> None:
        if isinstance(event, Ready):
            self._session_name = event.session
        elif isinstance(event, Restarted):
            # A process that stops hands its sessions on: those who come back meanwhile begin anew elsewhere.
            there = None if self.process.stopping else self.process.names.get(self._session_name)
            if there is not None and there.session.closed is None and not there.done:
                raise CheckFailure(f"I13: the client began anew, but {there.name} was there all the time")
        self.transcript.event("C", event)
        self.client_monitor.emitted(event)
        self.application.take(event)

    def _server_emits(self, driver: Driver, event: Event) -> None:
        self.transcript.event(driver.name, event)
        self.server_monitors[driver].emitted(event)

    def said(self, driver: Driver, said: Transmit) -> None:
        """A frame is about to be sent."""
        end = driver.transport.end
        self._monitor(driver).sent(said)
        self.transcript.said(driver.name, end.connection.number if end is not None else 0, said)
        self.faults.said("client" if driver is self.client else "server", said.message.type)

    def stepped(self, driver: Driver) -> None:
        """An input has been taken."""
        self._monitor(driver).stepped(driver, self.event_queue.now)
        if driver is self.client:
            self.application.moved()

    def _monitor(self, driver: Driver) -> ClientMonitor | ServerMonitor:
        return self.client_monitor if driver is self.client else self.server_monitors[driver]

    def waking(self, driver: Driver) -> None:
        """The loop continues: a peer timeout that is late by less than `LATE_TIMER_S` fires all the same."""
        late_s = [
            self.event_queue.now - due.at for due in deadlines(driver.session.snapshot) if due.kind in PEER_TIMEOUTS
        ]
        if driver is self.client and any(0.0 <= late <= LATE_TIMER_S for late in late_s):
            self.nearly_late = True

    def timers_fired(self, driver: Driver) -> None:
        """Check that no expired deadline is left, and that timers do not fire too often."""
        second = int(self.event_queue.now)
        last, count = self._rings.get(driver, (second, 0))
        self._rings[driver] = (second, count + 1 if last == second else 1)
        if self._rings[driver][1] > MAX_TIMERS_PER_S:
            raise CheckFailure(f"I10: {MAX_TIMERS_PER_S} timers of {driver.name} within a second: a hot loop")
        deadline = driver.session.next_deadline
        if deadline is not None and deadline <= self.event_queue.now:
            raise CheckFailure(f"I10: {driver.name} is left with a timer that is due: a hot loop")

    def heard(self, driver: Driver, transport: Transport, frame: Frame) -> None:
        """A frame arrives."""
        end = transport.end
        assert end is not None
        self.transcript.heard(driver.name, end.connection.number, frame)

    def lost(self, driver: Driver, how: LossKind, code: int) -> None:
        """A transport has ended."""
        self.transcript.note(driver.name, f"loses its transport: {how} {code}")

    # ------------------------------------------------------------------------ running

    def run(self) -> Report:
        """Run to the end and check the result. Raises `SimulationFailure` where a check fails."""
        try:
            self._run()
            check_end(self)
        except Exception as finding:
            why = str(finding) if isinstance(finding, CheckFailure) else f"I1: {finding!r}"
            raise SimulationFailure(why, self) from finding
        closed = self.client.session.closed
        assert closed is not None
        return Report(self.event_queue.now, self.event_queue.done, closed, frozenset(self.coverage()))

    def _run(self) -> None:
        self.faults.schedule()
        client = self.client.session
        assert isinstance(client, ClientSession)
        self.client.post(lambda now: client.connect(now=now))
        self.application.begin()
        allowed_s = time_allowed(self.scenario)
        while not self._is_over() and self.event_queue.next is not None:
            self.event_queue.step()
            if self.event_queue.done > MAX_ACTIONS:
                raise CheckFailure(f"I9: {MAX_ACTIONS} deeds, and no end")
            if self.event_queue.now > allowed_s:
                raise CheckFailure(f"I9: it is not over after {allowed_s:.0f} s: {client}")

    def _is_over(self) -> bool:
        return self.client.done and all(driver.done for process in self.processes for driver in process.drivers)

    def coverage(self) -> set[str]:
        """Return what happened, by name."""
        closed = self.client.session.closed
        assert closed is not None
        proof = {None: "", True: " complete", False: " incomplete"}[closed.complete]
        ending = f"ended {closed.reason}{proof}"
        return {ending, *self.faults.occurred, *self.client_monitor.seen, *self.transcript.kinds}


def simulate(scenario: Scenario) -> Report:
    """Run a scenario and check everything. Raises `SimulationFailure`."""
    return Simulation(scenario).run()
