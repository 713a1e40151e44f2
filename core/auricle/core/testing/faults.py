"""`Faults`: fault injection for a simulation, by time or by message."""

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from auricle.core.testing.driver import Loop
from auricle.core.testing.event_queue import EventQueue
from auricle.core.testing.monitors import ClientMonitor
from auricle.core.testing.network import Connection
from auricle.core.testing.scenario import Fault, Scenario
from auricle.core.testing.server_process import ServerProcess
from auricle.core.testing.transcript import Transcript


class SimulationContext(Protocol):
    """The parts of a simulation in which faults are injected."""

    scenario: Scenario
    event_queue: EventQueue
    transcript: Transcript
    client_monitor: ClientMonitor
    client_loop: Loop
    server_loop: Loop

    @property
    def process(self) -> ServerProcess:
        """The running server process."""

    @property
    def connection(self) -> Connection | None:
        """The newest connection."""

    def start_process(self) -> None:
        """Start a new server process."""


class Faults:
    """Schedules the faults of a scenario, and knows which are active."""

    def __init__(self, context: SimulationContext) -> None:
        self.occurred: set[str] = set()
        """Kinds of faults that have had an effect."""
        self._context = context
        self._refuses_until = self._hangs_until = self._full_until = 0.0
        self._done: set[Fault] = set()
        self._said: Counter[tuple[str, str, bool]] = Counter()

    def schedule(self) -> None:
        """Put those that have a time on the event queue."""
        for fault in self._context.scenario.faults:
            if fault.at_s is not None:
                self._context.event_queue.at(fault.at_s, self._action_of(fault))

    def said(self, side: str, message: str) -> None:
        """Inject the faults that are bound to this message of one side."""
        self._said[side, message, False] += 1
        if "told Ready" in self._context.client_monitor.seen:
            self._said[side, message, True] += 1
        for fault in self._context.scenario.faults:
            if fault.at_s is not None or (fault.said_by, fault.message) != (side, message):
                continue
            if self._said[side, message, fault.once_ready] == fault.nth and fault not in self._done:
                self._done.add(fault)
                if fault.after or fault.delay_s:
                    self._context.event_queue.after(fault.delay_s, self._action_of(fault))
                else:
                    self._inject(fault)

    def refuses(self) -> bool:
        """Whether connections are refused now."""
        return self._hit("refuse", self._refuses_until)

    def hangs(self) -> bool:
        """Whether connection attempts hang now."""
        return self._hit("unheard", self._hangs_until)

    def is_full(self) -> bool:
        """Whether there is no room for a session now."""
        return self._hit("full", self._full_until)

    def _hit(self, kind: str, until: float) -> bool:
        if self._context.event_queue.now >= until:
            return False
        self.occurred.add(kind)
        return True

    def _action_of(self, fault: Fault) -> Callable[[], None]:
        return lambda: self._inject(fault)

    def _inject(self, fault: Fault) -> None:
        self._context.transcript.note("fault", f"{fault.kind} for {fault.for_s:g} s")
        until = self._context.event_queue.now + fault.for_s
        match fault.kind:
            case "refuse":
                self._refuses_until = max(self._refuses_until, until)
            case "unheard":
                self._hangs_until = max(self._hangs_until, until)
            case "full":
                self._full_until = max(self._full_until, until)
            case "restart" | "shutdown" | "broken_server" | "engine_stands" | "engine_babbles":
                self._inject_at_server(fault)
            case "sleep_client":
                self._context.client_loop.oversleep(fault.for_s)
                self.occurred.add(fault.kind)
            case "sleep_server":
                self._context.server_loop.oversleep(fault.for_s)
                self.occurred.add(fault.kind)
            case _:
                self._inject_on_connection(fault)

    def _inject_at_server(self, fault: Fault) -> None:
        process = self._context.process
        if process.stopping:
            return
        self.occurred.add(fault.kind)
        match fault.kind:
            case "restart":
                process.kill()
                self._context.event_queue.after(fault.for_s, self._context.start_process)
            case "shutdown":
                process.stop()
                self._context.event_queue.after(fault.for_s, self._context.start_process)
            case "broken_server":
                process.fail()
            case "engine_babbles":
                for engine in process.engines.values():
                    engine.guess_on(fault.for_s)
            case _:
                for engine in process.engines.values():
                    engine.stall(fault.for_s)

    def _inject_on_connection(self, fault: Fault) -> None:
        connection = self._context.connection
        if connection is None or (connection.client.over and connection.server.over):
            return
        self.occurred.add(fault.kind)
        match fault.kind:
            case "cut":
                late, soon = fault.for_s, 0.0
                connection.cut(*((late, soon) if fault.late_client else (soon, late)))
            case "half_open_client":
                connection.cut(None, 0.0)
            case "half_open_server":
                connection.cut(0.0, None)
            case "stall":
                connection.hold_back(fault.for_s, up=True, down=True)
            case "stall_up":
                connection.hold_back(fault.for_s, up=True, down=False)
            case "stall_down":
                connection.hold_back(fault.for_s, up=False, down=True)
            case "slow_client":
                connection.client.read_nothing(fault.for_s)
            case _:
                connection.server.read_nothing(fault.for_s)
