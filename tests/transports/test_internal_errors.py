"""A mistake of ours, or of a wire, ends the session, is told, and leaves nothing behind; the same on both loops."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from auricle.core import ClientSession, Frame, LocalProtocolError, SessionClosed
from auricle.transports.driver import OpenWire
from auricle.transports.errors import ConnectFailed, InternalError
from auricle.transports.testing.checked_session import CheckedSession
from auricle.transports.testing.driver_harness import Drive, DrivenClient, DriverHarness, read_all, run_scenario
from auricle.transports.testing.scripted_wire import ScriptedWire
from transports.drivers import DRIVERS

Patch = pytest.MonkeyPatch
either = pytest.mark.parametrize("world", DRIVERS)


def a_session_that_raises(patch: Patch) -> None:
    def receive(_self: object, _frame: Frame, *, now: float) -> Any:
        raise AssertionError(f"a bug at {now}")

    patch.setattr(CheckedSession, "receive", receive)


def a_wire_that_raises_when_it_receives(patch: Patch) -> None:
    async def receive(_self: object) -> Frame:
        raise ValueError("a bug")

    patch.setattr(ScriptedWire, "receive", receive)


def a_wire_that_raises_when_it_sends(patch: Patch) -> None:
    async def send(_self: object, _frame: Frame) -> None:
        raise ValueError("a bug")

    patch.setattr(ScriptedWire, "send", send)


MISTAKES = [a_session_that_raises, a_wire_that_raises_when_it_receives, a_wire_that_raises_when_it_sends]


@either
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_mistake_in_mid_session_is_told_as_one(
    world: str, mistake: Callable[[Patch], None], monkeypatch: Patch
) -> None:
    async def a_mistake(harness: DriverHarness) -> None:
        harness.peer.ready()
        events: list[Any] = []

        async def session() -> None:
            async with harness.connect() as client:
                mistake(monkeypatch)
                await client.send_audio(bytes(640))
                for number in range(2):  # the reader waits in the wire's own `receive` for the first
                    harness.peer.send_message("warning", code=f"{number}", message="A frame.")
                events.extend(await read_all(client))

        with pytest.raises(InternalError, match="a bug") as caught:
            await session()
        assert isinstance(caught.value.__cause__, AssertionError | ValueError)
        closed = events[-1]
        assert isinstance(closed, SessionClosed)
        assert (closed.reason, closed.complete, "a bug" in closed.message) == ("lost", False, True)

    run_scenario(*DRIVERS[world], a_mistake)


@either
def test_a_mistake_before_ready_is_told_as_one(world: str, monkeypatch: Patch) -> None:
    async def a_mistake(harness: DriverHarness) -> None:
        a_session_that_raises(monkeypatch)
        harness.peer.ready()
        with pytest.raises(InternalError, match="a bug"):
            async with harness.connect():
                pytest.fail("it never was ready")

    run_scenario(*DRIVERS[world], a_mistake)


@either
def test_a_wire_that_cannot_be_opened_because_of_a_mistake(world: str) -> None:
    loop, drive = DRIVERS[world]

    def drive_badly(session: ClientSession, _open_wire: OpenWire) -> AbstractAsyncContextManager[DrivenClient]:
        def open_nothing() -> Any:
            raise ExceptionGroup("of a nursery", [ValueError("a bug")])

        return drive(session, open_nothing)

    async def a_mistake(harness: DriverHarness) -> None:
        with pytest.raises(InternalError, match=r"ValueError\('a bug'\)"):
            async with harness.connect():
                pytest.fail("there is no wire")

    badly: Drive = drive_badly
    run_scenario(loop, badly, a_mistake)


@either
def test_an_exception_of_the_application_is_none_of_ours(world: str) -> None:
    async def its_own(harness: DriverHarness) -> None:
        harness.peer.ready()
        with pytest.raises(KeyError):
            async with harness.connect():
                raise KeyError("its own")
        harness.peer_of(1).hang_up("refused")
        with pytest.raises(ConnectFailed):
            async with harness.connect():
                pass

    run_scenario(*DRIVERS[world], its_own)


@either
def test_two_tasks_that_read_one_session_are_refused(world: str) -> None:
    """The second is, as soon as there is nothing to take; the first goes on, and a reader after it may too."""

    async def two_readers(harness: DriverHarness) -> None:
        harness.peer.ready()
        async with harness.connect() as client, harness.loop.tasks() as tasks:
            first: list[Any] = []

            async def read() -> None:
                first.extend(await read_all(client))

            reading = tasks.start(read)
            await harness.loop.settle()
            with pytest.raises(LocalProtocolError, match="read them in one task"):
                await read_all(client)
            await client.end_input()
            harness.peer.input_ended(0)
            harness.peer.complete(0)
            harness.peer.hang_up()
            await reading.join()
            assert isinstance(first[-1], SessionClosed)
            assert [event async for event in client] == []

    run_scenario(*DRIVERS[world], two_readers)
