"""The test harness for a server's driver: one session over scripted wires, clients played by the test, virtual time."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol

from auricle.core import AudioReceived, Limits, ServerEvent, ServerInfo, ServerSession, SessionClosed
from auricle.core.messages import PROTOCOL, Resume
from auricle.core.session import Outputs
from auricle.transports.testing.loop import Loop, Task, Tasks, require, told
from auricle.transports.testing.scripted_wire import ScriptedWire
from auricle.transports.testing.watched_wire import Waits, WatchedWire
from auricle.transports.wire import Wire

TOKEN: Final = "token-0"
"""What the client has to show when it first comes back."""
TENTH: Final = bytes(3_200)
"""A tenth of a second of audio."""
TENTH_SAMPLES: Final = 1_600


class ServedSession(Protocol):
    """A session with one client, as ``serve_wire`` yields it."""

    @property
    def session(self) -> ServerSession:
        """The session, for reading."""

    async def do(self, verb: Callable[[float], Outputs]) -> None:
        """Call a verb of the session and wait for it."""

    def post(self, verb: Callable[[float], Outputs]) -> None:
        """Schedule a verb of the session."""

    async def adopt(self, wire: Wire, resume: Resume, fresh_token: str) -> None:
        """Resume the session on another wire, and return when the session is done with it."""

    def __aiter__(self) -> AsyncIterator[ServerEvent]:
        """Events up to the terminal one."""


Serve = Callable[[Wire], AbstractAsyncContextManager[ServedSession]]
"""Serves a client on an open wire for the length of a block: ``serve_wire``."""


class ServerHarness:
    """Serves one session, and holds its wires and events."""

    def __init__(self, loop: Loop, serve: Serve, tasks: Tasks) -> None:
        self.loop = loop
        self.tasks = tasks
        self.wires: list[ScriptedWire] = []
        """Every wire, the first one first."""
        self.events: list[ServerEvent] = []
        self.violations: list[str] = []
        self.waits = Waits(loop.now)
        """What the driver and whoever uses it wait in."""
        self._serve = serve
        self._leave = loop.signal()
        self._token = TOKEN
        self._attempts = 0
        self._said_samples = 0
        self._served: ServedSession | None = None
        self._serving: Task | None = None

    @property
    def served(self) -> ServedSession:
        """The session, once `begin` has been called."""
        assert self._served is not None, "a scenario begins with `begin`"
        return self._served

    @property
    def wire(self) -> ScriptedWire:
        """The first wire."""
        return self.wires[0]

    @property
    def serving(self) -> Task:
        """The task that serves the session."""
        assert self._serving is not None, "a scenario begins with `begin`"
        return self._serving

    def new_wire(self) -> ScriptedWire:
        """Make a wire that is open."""
        self.wires.append(ScriptedWire(self.loop, PROTOCOL, self._report_violation))
        return self.wires[-1]

    async def begin(self) -> None:
        """Serve a session, say ``start`` and a tenth of a second of audio on its first wire, and accept it."""
        wire = self.new_wire()
        self._serving = self.tasks.start(lambda: self._run(wire))
        self.say(wire, {"type": "start", "audio": {"encoding": "pcm_s16le", "sample_rate": 16_000, "channels": 1}})
        await self.loop.sleep(0.1)
        info = ServerInfo(name="none")
        await self.served.do(lambda now: self.served.session.accept("s", info, now=now, resume_token=TOKEN))
        self.say(wire, TENTH)
        await self.loop.sleep(0.1)

    async def _run(self, wire: ScriptedWire) -> None:
        async with self._serve(self._watched(wire)) as served:
            self._served = served
            reading = self.tasks.start(self._read)
            await self._leave.wait()
        await reading.join()

    def _watched(self, wire: ScriptedWire) -> WatchedWire:
        return WatchedWire(wire, f"wire {self.wires.index(wire)}", self.waits)

    async def _read(self) -> None:
        async with self.waits.during("the next event"):
            async for event in self.served:
                self.events.append(event)
        self._leave.set()

    def leave(self) -> None:
        """Leave the block of the session."""
        self._leave.set()

    def come_back(self, wire: ScriptedWire, *, token: str | None = None) -> Task:
        """Resume the session over a wire, with the token that was told last; return the task that waits."""
        shown = self._token if token is None else token
        self._attempts += 1
        fresh = f"token-{self._attempts}"
        if token is None:
            self._token = fresh
        resume = Resume(session="s", token=shown, seen=1, sent=self._said_samples, attempt=self._attempts)
        watched = self._watched(wire)

        async def adopt() -> None:
            async with self.waits.during(f"adopt(wire {self.wires.index(wire)})"):
                await self.served.adopt(watched, resume, fresh)

        return self.tasks.start(adopt)

    async def finish(self) -> None:
        """Fail the session, answer its Close frame on every wire, and wait until it is served no more."""
        await self.served.do(lambda now: self.served.session.fail("internal", "over", now=now))
        await self.loop.sleep(Limits().close_timeout_s + Limits().resume_window_s + 1.0)
        await self.serving.join()

    def say(self, wire: ScriptedWire, frame: Any) -> None:
        """Let the client say a message or audio."""
        if isinstance(frame, bytes) and wire is self.wires[-1]:
            self._said_samples += len(frame) // 2
        wire.incoming.append(frame if isinstance(frame, bytes) else json.dumps(frame))
        wire.change()

    def told(self, wire: ScriptedWire) -> list[str]:
        """Return the types of the messages that were sent on a wire."""
        return [str(json.loads(frame)["type"]) for frame in wire.sent if isinstance(frame, str)]

    @property
    def heard_samples(self) -> int:
        """Samples of audio that the session has told of."""
        return sum(len(event.pcm) for event in self.events if isinstance(event, AudioReceived)) // 2

    def _report_violation(self, rule: str) -> None:
        self.violations.append(rule)
        raise AssertionError(rule)

    def check(self) -> None:
        """Check what has to hold when a session is over. Raises `AssertionError`."""
        require(not self.violations, self.violations[0] if self.violations else "")
        closings = [event for event in self.events if isinstance(event, SessionClosed)]
        require(len(closings) == 1, f"A session has one terminal event, not {len(closings)}.")
        require(self.events[-1] is closings[0], "The last event is the terminal one.")
        left = [number for number, wire in enumerate(self.wires) if wire.sent and not wire.aborted]
        require(not left, f"When a driver has ended, every wire has been let go of, and wire {left} has not.")


ServerScenario = Callable[[ServerHarness], Awaitable[None]]
"""A test of one rule of a server's driver."""


def run_server_scenario(loop: Loop, serve: Serve, scenario: ServerScenario) -> None:
    """Run one scenario on virtual time. Raises `AssertionError` with the broken rule, and where a hang waits."""
    harnesses: list[ServerHarness] = []

    async def run() -> None:
        async with loop.tasks() as tasks:
            harness = ServerHarness(loop, serve, tasks)
            harnesses.append(harness)
            await scenario(harness)
            harness.check()

    try:
        loop.run(run)
    except Exception as error:
        broken = next((rule for harness in harnesses for rule in harness.violations), None)
        why = broken or told(error, [harness.waits for harness in harnesses])
        raise AssertionError(f"{scenario.__name__}: {why}") from error
