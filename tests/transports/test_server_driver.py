"""The drivers at a server's end: a client that comes back on another wire, in both worlds, on virtual time."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import pytest

import auricle.transports.asyncio.driver as asyncio_driver
import auricle.transports.trio.driver as trio_driver
from auricle.core import PROTOCOL, AudioReceived, Limits, LocalProtocolError, OpenTransport, ServerInfo, ServerSession
from auricle.core.events import Disconnected, Event, Reconnected, SessionClosed
from auricle.core.messages import Resume
from auricle.transports.testing.loop import Loop, Task, Tasks
from auricle.transports.testing.scripted_wire import ScriptedWire
from auricle.transports.wire import WireLost
from transports.drivers import DRIVERS

DRIVER: dict[str, Any] = {"trio": trio_driver.Driver, "asyncio": asyncio_driver.Driver}
TENTH = bytes(3200)


class Bench:
    """A server's driver, and clients played by the test."""

    def __init__(self, loop: Loop, world: str, tasks: Tasks) -> None:
        self.loop = loop
        self.tasks = tasks
        self.events: list[Event] = []
        self.session = ServerSession(PROTOCOL, now=loop.now())
        self.wire = self.new_wire()
        self.driver = DRIVER[world](
            self.session, open_wire=partial(self.held, self.wire), opened=lambda _w, _n: (), emit=self.events.append
        )
        self.running = tasks.start(lambda: self.driver.run((OpenTransport(not_before=loop.now()),)))

    def new_wire(self) -> ScriptedWire:
        return ScriptedWire(self.loop, PROTOCOL, pytest.fail)

    @asynccontextmanager
    async def held(self, wire: ScriptedWire) -> AsyncIterator[ScriptedWire]:
        try:
            yield wire
        finally:
            wire.released = True

    def say(self, wire: ScriptedWire, frame: Any) -> None:
        wire.incoming.append(frame if isinstance(frame, bytes) else json.dumps(frame))
        wire.change()

    async def begin(self) -> None:
        self.say(self.wire, {"type": "start", "audio": {"encoding": "pcm_s16le", "sample_rate": 16000, "channels": 1}})
        await self.loop.sleep(0.1)
        info = ServerInfo(name="none")
        await self.driver.call(lambda now: self.session.accept("s", info, now=now, resume_token="first"))
        self.say(self.wire, TENTH)
        await self.loop.sleep(0.1)

    def come_back(self, wire: ScriptedWire, token: str, sent: int = 1600) -> Task:
        resume = Resume(session="s", token=token, seen=1, sent=sent)
        return self.tasks.start(
            lambda: self.driver.adopt(
                partial(self.held, wire), lambda now: self.session.attach(resume, fresh_token="second", now=now)
            )
        )

    def told(self, wire: ScriptedWire) -> list[str]:
        return [json.loads(frame)["type"] for frame in wire.sent if isinstance(frame, str)]

    @property
    def heard(self) -> int:
        return sum(len(event.pcm) for event in self.events if isinstance(event, AudioReceived))


Scenario = Callable[[Bench], Awaitable[None]]


def run(world: str, scenario: Scenario) -> None:
    loop, _ = DRIVERS[world]

    async def main() -> None:
        async with loop.tasks() as tasks:
            await scenario(Bench(loop, world, tasks))

    loop.run(main)


either = pytest.mark.parametrize("world", DRIVER)


@either
def test_after_a_loss_the_session_goes_on_over_the_next_wire(world: str) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.begin()
        bench.wire.incoming.append(WireLost("reset"))
        bench.wire.change()
        await bench.loop.sleep(1.0)
        assert bench.wire.released
        again = bench.new_wire()
        adopting = bench.come_back(again, "first")
        await bench.loop.sleep(0.1)
        assert bench.told(again)[0] == "resumed"
        bench.say(again, TENTH)
        await bench.loop.sleep(0.1)
        assert bench.heard == 2 * len(TENTH)
        assert [type(e) for e in bench.events if isinstance(e, Disconnected | Reconnected)] == [
            Disconnected,
            Reconnected,
        ]
        await bench.driver.call(lambda now: bench.session.fail("internal", "over", now=now))
        await bench.loop.sleep(0.1)
        assert again.closed is not None
        again.incoming.append(WireLost("eof"))
        again.change()
        await adopting.join()
        await bench.loop.sleep(100.0)
        await bench.running.join()
        assert isinstance(bench.events[-1], SessionClosed)

    run(world, scenario)


@either
def test_a_wire_that_has_been_superseded_is_closed_and_not_listened_to(world: str) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.begin()
        again = bench.new_wire()
        bench.come_back(again, "first")
        await bench.loop.sleep(0.1)
        assert bench.wire.closed == (4409, "superseded")
        sent = len(bench.wire.sent)
        bench.say(bench.wire, TENTH)
        bench.say(bench.wire, {"type": "cancel"})
        bench.say(again, TENTH)
        await bench.loop.sleep(1.0)
        assert bench.heard == 2 * len(TENTH), "the old wire's audio is not heard"
        assert bench.session.closed is None
        assert not bench.wire.released, "its peer may still answer the close"
        await bench.loop.sleep(Limits().close_timeout_s)
        assert bench.wire.released, "for so long, and no longer"
        assert len(bench.wire.sent) == sent
        assert bench.session.closed is None, "the end of an old wire is nobody's end"

    run(world, scenario)


@either
def test_a_wrong_token_leaves_session_and_wire_alone(world: str) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.begin()
        again = bench.new_wire()
        with pytest.raises(LocalProtocolError):
            await bench.come_back(again, "guessed").join()
        assert not again.released, "the wire is still the caller's"
        assert again.sent == []
        bench.say(bench.wire, TENTH)
        await bench.loop.sleep(0.1)
        assert bench.heard == 2 * len(TENTH)

    run(world, scenario)


@either
@pytest.mark.parametrize("steps", range(8))
def test_whoever_waits_for_an_adopted_wire_is_let_go_when_the_driver_is_cancelled(world: str, steps: int) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.begin()
        again = bench.new_wire()
        adopting = bench.come_back(again, "first")
        for _ in range(steps):
            await bench.loop.sleep(0)
        bench.running.cancel()
        await bench.running.join()
        async with bench.loop.within(10.0, "nobody is left waiting for a driver that has ended"):
            with suppress(LocalProtocolError):  # it came too late: the wire is the caller's
                await adopting.join()
        assert isinstance(bench.events[-1], SessionClosed)
        assert again.released or not again.sent

    run(world, scenario)


@either
def test_a_driver_cancelled_while_its_client_is_away_gives_the_terminal_event(world: str) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.begin()
        bench.wire.incoming.append(WireLost("reset"))
        bench.wire.change()
        await bench.loop.sleep(1.0)
        assert isinstance(bench.events[-1], Disconnected)
        bench.running.cancel()
        await bench.running.join()
        assert isinstance(bench.events[-1], SessionClosed)

    run(world, scenario)


@either
def test_a_driver_cancelled_while_its_client_is_there_gives_the_terminal_event(world: str) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.begin()
        bench.running.cancel()
        await bench.running.join()
        assert isinstance(bench.events[-1], SessionClosed)
        assert bench.wire.released

    run(world, scenario)


@either
def test_a_finished_driver_adopts_nothing(world: str) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.begin()
        bench.running.cancel()
        await bench.running.join()
        async with bench.loop.within(10.0, "nobody is left waiting for a driver that has ended"):
            with pytest.raises(LocalProtocolError):
                await bench.come_back(bench.new_wire(), "first").join()

    run(world, scenario)
