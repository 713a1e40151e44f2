"""The test harness for one driver: a checked session, scripted wires, virtual time."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from auricle.core import PROTOCOL, ClientEvent, ClientSession, Limits, SessionClosed
from auricle.transports.driver import OpenWire
from auricle.transports.testing.checked_session import CheckedSession
from auricle.transports.testing.loop import Loop, require, told
from auricle.transports.testing.scripted_wire import Peer, ScriptedWire
from auricle.transports.testing.watched_client import DrivenClient, WatchedBlock
from auricle.transports.testing.watched_wire import Waits, WatchedWire
from auricle.transports.wire import Wire, WireLost

__all__ = ["Drive", "DrivenClient", "DriverHarness", "Scenario", "read_all", "run_scenario"]


Drive = Callable[[ClientSession, OpenWire], AbstractAsyncContextManager[DrivenClient]]
"""Runs a session over the wires that it opens, for the length of a block, which it enters when the session is ready.

Raises `ConnectFailed` where the session does not become ready. Leaving the block ends the session."""


class DriverHarness:
    """Runs a driver, and holds the peers of its wires."""

    def __init__(self, loop: Loop, drive: Drive, *, subprotocol: str | None = PROTOCOL) -> None:
        self.loop = loop
        self.violations: list[str] = []
        """The rules that the driver broke, one sentence each."""
        self.sessions: list[CheckedSession] = []
        self.opened = 0
        """Number of wires that the driver has requested."""
        self.waits = Waits(loop.now)
        """What the application and the driver wait in."""
        self._drive = drive
        self._subprotocol = subprotocol
        self._wires: list[ScriptedWire] = []
        self._peers: list[Peer] = []
        self._delays: dict[int, float] = {}
        self._refusals: dict[int, WireLost] = {}

    def peer_of(self, number: int) -> Peer:
        """Return the peer of wire ``number`` (from 0), also before it is opened."""
        while len(self._wires) <= number:
            self._wires.append(ScriptedWire(self.loop, self._subprotocol, self.report_violation))
            self._peers.append(Peer(self._wires[-1]))
        return self._peers[number]

    @property
    def peer(self) -> Peer:
        """The peer of the first wire."""
        return self.peer_of(0)

    @property
    def wire(self) -> ScriptedWire:
        """The first wire."""
        return self.peer.wire

    @property
    def wires(self) -> tuple[ScriptedWire, ...]:
        """The wires that have been opened."""
        return tuple(wire for wire in self._wires if wire.opened)

    @property
    def current_peer(self) -> Peer:
        """The peer of the wire that was opened last."""
        return next(peer for peer in reversed(self._peers) if peer.wire.opened)

    def delay(self, number: int, seconds: float) -> None:
        """Make wire ``number`` take ``seconds`` to open."""
        self._delays[number] = seconds

    def refuse(self, number: int, lost: WireLost) -> None:
        """Make opening wire ``number`` raise ``lost``."""
        self._refusals[number] = lost

    def report_violation(self, rule: str) -> None:
        """Record a broken rule and raise `AssertionError`."""
        self.violations.append(rule)
        raise AssertionError(rule)

    def connect(self, *, limits: Limits | None = None) -> AbstractAsyncContextManager[DrivenClient]:
        """Run a new session over scripted wires, as ``connect`` does."""
        session = CheckedSession(self.loop, self.report_violation, limits=limits)
        self.sessions.append(session)
        return WatchedBlock(self._drive(session, self.open_wire), self.waits)

    @asynccontextmanager
    async def open_wire(self) -> AsyncIterator[Wire]:
        """Open the next wire; the driver calls it."""
        number, self.opened = self.opened, self.opened + 1
        wire = self.peer_of(number).wire
        await self.loop.sleep(self._delays.get(number, 0.0))
        if number in self._refusals:
            raise self._refusals[number]
        wire.opened = True
        wire.change()
        try:
            yield WatchedWire(wire, f"wire {number}", self.waits)
        finally:
            wire.released = True
            wire.change()

    def check(self) -> None:
        """Check the invariants of every finished scenario. Raises `AssertionError`."""
        require(not self.violations, self.violations[0] if self.violations else "")
        require(all(wire.released for wire in self.wires), "When a driver has ended, every wire has been let go of.")
        for session in self.sessions:
            closings = [emit for emit in session.emitted if isinstance(emit.event, SessionClosed)]
            require(session.closed is not None, "When a driver has ended, its session has its terminal event.")
            require(len(closings) == 1, f"A session has one terminal event, not {len(closings)}.")


async def read_all(client: DrivenClient) -> list[ClientEvent]:
    """Return all events; check that the last one, and no other, is the terminal event."""
    events = [event async for event in client]
    require(bool(events) and isinstance(events[-1], SessionClosed), "The last event is the terminal one.")
    require(not any(isinstance(event, SessionClosed) for event in events[:-1]), "There is one terminal event.")
    return events


Scenario = Callable[[DriverHarness], Awaitable[None]]
"""A test of one driver rule."""


def run_scenario(
    loop: Loop, drive: Drive, scenario: Scenario, *, before_step: Callable[[], None] | None = None
) -> None:
    """Run one scenario on virtual time. Raises `AssertionError` with the broken rule, and where a hang waits."""
    harnesses: list[DriverHarness] = []

    async def run() -> None:
        harness = DriverHarness(loop, drive)
        harnesses.append(harness)
        await scenario(harness)
        harness.check()

    name = getattr(scenario, "__name__", str(scenario))
    try:
        loop.run(run, before_step=before_step)
    except Exception as error:
        broken = next((rule for harness in harnesses for rule in harness.violations), None)
        raise AssertionError(f"{name}: {broken or told(error, [harness.waits for harness in harnesses])}") from error
