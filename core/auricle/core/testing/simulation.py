"""A deterministic simulation: a client, a server, an application and a network, from a scenario to the end.

No event loop, no clock, no chance: the same scenario always comes to the same conversation, and hours of it pass in
milliseconds. `simulate` runs one and checks it; `draw` (in `auricle.core.testing.drawing`) makes one from a seed.
"""

from dataclasses import dataclass
from random import Random

from auricle.core.client import ClientSession
from auricle.core.errors import ABNORMAL_CLOSURE
from auricle.core.events import Event, Restarted, SessionClosed
from auricle.core.messages import PROTOCOL, Ready
from auricle.core.outputs import Frame, Transmit
from auricle.core.states import VERDICTS
from auricle.core.stimuli import LossKind
from auricle.core.testing.agenda import Agenda
from auricle.core.testing.application import Application
from auricle.core.testing.driving import Driver, Loop, Transport, Watcher
from auricle.core.testing.engine import Engine
from auricle.core.testing.faults import Faults
from auricle.core.testing.network import Connection, End
from auricle.core.testing.scenario import Scenario
from auricle.core.testing.server_process import ServerProcess
from auricle.core.testing.transcript import Transcript
from auricle.core.testing.verdict import check_end, time_allowed
from auricle.core.testing.voice import Voice
from auricle.core.testing.watching import ClientWatch, Finding, ServerWatch
from auricle.core.timers import OVERSLEPT_S, deadlines

MOST_DEEDS = 400_000
"""More than any conversation needs: one that goes on for ever is stopped."""

MOST_RINGS = 500
"""Timers of one session that may fire within a second: there may be one for each frame that comes."""


class SimulationFailure(AssertionError):
    """Something does not hold. ``simulation`` is the conversation up to there."""

    def __init__(self, why: str, simulation: "Simulation") -> None:
        super().__init__(f"at {simulation.agenda.now:.3f} s: {why}")
        self.why = why
        self.simulation = simulation


@dataclass(frozen=True)
class Report:
    """What came of a conversation."""

    virtual_s: float
    """How long it took, in virtual time."""
    deeds: int
    closed: SessionClosed
    coverage: frozenset[str]
    """What happened in it, by name."""


class Simulation(Watcher):
    """One conversation under way."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.agenda = Agenda()
        self.random = Random(scenario.seed)
        self.transcript = Transcript(self.agenda)
        self.voice = Voice(scenario.seed, block=scenario.block, frame_bytes=scenario.start.audio.frame_bytes)
        self.client_loop, self.server_loop = Loop(self.agenda), Loop(self.agenda)
        for loop in (self.client_loop, self.server_loop):
            loop.timers_first = scenario.timers_first
        self.connections: list[Connection] = []
        self.processes: list[ServerProcess] = []
        self.faults = Faults(self)
        self._session_name = ""
        self.nearly_late = False
        """The client's loop slept just so long that it does not know that it slept."""
        self._rings: dict[Driver, tuple[int, int]] = {}
        self.application = Application(scenario.steps, self.voice, self.agenda)
        self.client = Driver(
            "C",
            ClientSession(scenario.start, now=0.0, limits=scenario.limits, seed=scenario.seed),
            self.client_loop,
            emit=self._client_emits,
            open_wire=self._open_wire,
            watcher=self,
            lateness_s=self._lateness,
        )
        self.application.driver = self.client
        self.client_watch = ClientWatch(scenario)
        self.server_watches: dict[Driver, ServerWatch] = {}
        self.start_process()

    # ------------------------------------------------------------------------ the world

    @property
    def process(self) -> ServerProcess:
        """The server's present life."""
        return self.processes[-1]

    @property
    def connection(self) -> Connection | None:
        """The newest connection."""
        return self.connections[-1] if self.connections else None

    def start_process(self) -> None:
        """A server's process begins, knowing nothing."""
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
        self.server_watches[driver] = ServerWatch(self.scenario)
        token = process.token() if self.scenario.resumable else None
        return Engine(
            driver,
            self.voice,
            self.scenario.manner,
            self.agenda,
            name=lambda: process.name(driver),
            token=lambda: token,
            full=self.faults.is_full,
        )

    def _lateness(self) -> float:
        return self.random.random() * self.scenario.lateness_s

    def _open_wire(self, transport: Transport, not_before: float) -> None:
        self.agenda.at(not_before, lambda: self._connect(transport))

    def _connect(self, transport: Transport) -> None:
        self.transcript.note("net", "the client asks for a connection")
        if self.faults.hangs():
            return
        self.agenda.after(self.scenario.connect_s, lambda: self._meet(transport))

    def _meet(self, transport: Transport) -> None:
        if self.faults.refuses() or self.process.stopping:
            self.transcript.note("net", "refused")
            transport.lost("refused", ABNORMAL_CLOSURE, "")
            return
        scenario = self.scenario
        number = len(self.connections) + 1
        connection = Connection(
            number,
            self.agenda,
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
        self.agenda.after(scenario.down.latency_s, lambda: self.client.opened(transport, connection.client, opened))

    def _is_asleep(self, end: End) -> bool:
        loop = self.client_loop if end is end.connection.client else self.server_loop
        if loop.is_asleep:
            self.agenda.at(loop.asleep_until, end.read_on)
        return loop.is_asleep

    # ------------------------------------------------------------------------ what is reported

    def _client_emits(self, event: Event) -> None:
        if isinstance(event, Ready):
            self._session_name = event.session
        elif isinstance(event, Restarted):
            there = self.process.names.get(self._session_name)
            if there is not None and there.session.closed is None and not there.done:
                raise Finding(f"I13: the client began anew, but {there.name} was there all the time")
        self.transcript.event("C", event)
        self.client_watch.told(event)
        self.application.take(event)

    def _server_emits(self, driver: Driver, event: Event) -> None:
        self.transcript.event(driver.name, event)
        self.server_watches[driver].told(event)

    def said(self, driver: Driver, said: Transmit) -> None:
        """A frame is about to be sent."""
        end = driver.transport.end
        self._watch(driver).said(said)
        self.transcript.said(driver.name, end.connection.number if end is not None else 0, said)
        self.faults.said("client" if driver is self.client else "server", said.message.type)

    def took(self, driver: Driver) -> None:
        """An input has been taken."""
        self._watch(driver).stepped(driver, self.agenda.now)
        if driver is self.client:
            self.application.moved()

    def _watch(self, driver: Driver) -> ClientWatch | ServerWatch:
        return self.client_watch if driver is self.client else self.server_watches[driver]

    def waking(self, driver: Driver) -> None:
        """A loop goes on: a verdict of which it is late by less than `OVERSLEPT_S` is passed all the same."""
        late_s = [self.agenda.now - due.at for due in deadlines(driver.session.snapshot) if due.kind in VERDICTS]
        if driver is self.client and any(0.0 <= late <= OVERSLEPT_S for late in late_s):
            self.nearly_late = True

    def rang(self, driver: Driver) -> None:
        """Timers have been fired: there is no deadline left that has passed, and there are not too many of them."""
        second = int(self.agenda.now)
        last, count = self._rings.get(driver, (second, 0))
        self._rings[driver] = (second, count + 1 if last == second else 1)
        if self._rings[driver][1] > MOST_RINGS:
            raise Finding(f"I10: {MOST_RINGS} timers of {driver.name} within a second: a hot loop")
        deadline = driver.session.next_deadline
        if deadline is not None and deadline <= self.agenda.now:
            raise Finding(f"I10: {driver.name} is left with a timer that is due: a hot loop")

    def heard(self, driver: Driver, transport: Transport, frame: Frame) -> None:
        """A frame comes in."""
        end = transport.end
        assert end is not None
        self.transcript.heard(driver.name, end.connection.number, frame)

    def lost(self, driver: Driver, how: LossKind, code: int) -> None:
        """A transport is gone."""
        self.transcript.note(driver.name, f"loses its transport: {how} {code}")

    # ------------------------------------------------------------------------ from the beginning to the end

    def run(self) -> Report:
        """Run it to the end, and check it. Raises `SimulationFailure` where something does not hold."""
        try:
            self._run()
            check_end(self)
        except Exception as finding:
            why = str(finding) if isinstance(finding, Finding) else f"I1: {finding!r}"
            raise SimulationFailure(why, self) from finding
        closed = self.client.session.closed
        assert closed is not None
        return Report(self.agenda.now, self.agenda.done, closed, frozenset(self.coverage()))

    def _run(self) -> None:
        self.faults.enter()
        client = self.client.session
        assert isinstance(client, ClientSession)
        self.client.post(lambda now: client.connect(now=now))
        self.application.begin()
        allowed_s = time_allowed(self.scenario)
        while not self._is_over() and self.agenda.next is not None:
            self.agenda.step()
            if self.agenda.done > MOST_DEEDS:
                raise Finding(f"I9: {MOST_DEEDS} deeds, and no end")
            if self.agenda.now > allowed_s:
                raise Finding(f"I9: it is not over after {allowed_s:.0f} s: {client}")

    def _is_over(self) -> bool:
        return self.client.done and all(driver.done for process in self.processes for driver in process.drivers)

    def coverage(self) -> set[str]:
        """Return what happened, by name."""
        closed = self.client.session.closed
        assert closed is not None
        proof = {None: "", True: " complete", False: " incomplete"}[closed.complete]
        ending = f"ended {closed.reason}{proof}"
        return {ending, *self.faults.struck, *self.client_watch.seen, *self.transcript.kinds}


def simulate(scenario: Scenario) -> Report:
    """Run a scenario and check everything. Raises `SimulationFailure`."""
    return Simulation(scenario).run()
