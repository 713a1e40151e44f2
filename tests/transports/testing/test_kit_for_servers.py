"""The kit for a server's driver: both of ours pass, and each planted fault is killed by the scenario about it."""

from collections.abc import Callable
from typing import Any

import pytest

import auricle.transports.asyncio.driver as asyncio_driver
import auricle.transports.asyncio.server as asyncio_server
import auricle.transports.trio.driver as trio_driver
import auricle.transports.trio.server as trio_server
from auricle.transports.driver import BaseDriver
from auricle.transports.server import BaseConnection
from auricle.transports.testing import adopting_scenarios
from auricle.transports.testing.server_driver import SERVER_SCENARIOS, check_server_driver
from auricle.transports.testing.server_harness import Serve, ServerScenario, run_server_scenario
from transports.drivers import DRIVERS
from transports.testing.test_planted_faults import edit

Patch = pytest.MonkeyPatch
NATIVE: dict[str, Any] = {"trio": trio_driver.Driver, "asyncio": asyncio_driver.Driver}
SERVERS: dict[str, Serve] = {"trio": trio_server.serve_wire, "asyncio": asyncio_server.serve_wire}
either = pytest.mark.parametrize("world", SERVERS)


@either
@pytest.mark.parametrize("scenario", SERVER_SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_scenario(world: str, scenario: ServerScenario) -> None:
    run_server_scenario(DRIVERS[world][0], SERVERS[world], scenario)


def the_old_wire_is_never_dropped(patch: Patch, world: str) -> None:
    deadline = {
        "trio": "self._transport.scope.deadline = trio.current_time() + self._session.snapshot.limits.close_timeout_s",
        "asyncio": "asyncio.get_running_loop().call_later(close_timeout_s, self._transport.drop)",
    }[world]
    edit(patch, NATIVE[world], "_execute", (deadline, "pass"))


def the_old_wire_is_dropped_at_once(patch: Patch, world: str) -> None:
    old, new = {
        "trio": ("trio.current_time() + self._session.snapshot.limits.close_timeout_s", "trio.current_time()"),
        "asyncio": ("call_later(close_timeout_s", "call_later(0.0"),
    }[world]
    edit(patch, NATIVE[world], "_execute", (old, new))


def the_old_wire_is_heard(patch: Patch, world: str) -> None:
    patch.setattr(NATIVE[world], "_is_current", lambda _self, _transport: True)


def whoever_adopts_is_never_let_go(patch: Patch, world: str) -> None:
    edit(patch, NATIVE[world], "adopt", ("await transport.ended.wait()", "await self._new_signal().wait()"))


def an_ended_driver_adopts(patch: Patch, world: str) -> None:
    refusal = 'raise LocalProtocolError("the driver of the session has ended")'
    edit(patch, NATIVE[world], "adopt", (refusal, "return"))


def a_session_that_is_left_goes_on(patch: Patch, _world: str) -> None:
    patch.setattr(BaseConnection, "_leave", lambda _self: None)


def a_cancelled_session_has_no_terminal_event(patch: Patch, _world: str) -> None:
    patch.setattr(BaseDriver, "_emit_events", lambda _self, outputs: list(outputs))


FAULTS: list[tuple[Callable[[Patch, str], None], ServerScenario]] = [
    (the_old_wire_is_never_dropped, adopting_scenarios.adopting_drops_the_old_wire),
    (the_old_wire_is_never_dropped, adopting_scenarios.adopting_again_and_again_holds_one_wire),
    (the_old_wire_is_dropped_at_once, adopting_scenarios.adopting_drops_the_old_wire),
    (the_old_wire_is_heard, adopting_scenarios.adopting_drops_the_old_wire),
    (whoever_adopts_is_never_let_go, adopting_scenarios.nobody_waits_for_a_server_that_has_ended),
    (a_session_that_is_left_goes_on, adopting_scenarios.leaving_fails_the_session),
]
ON_TRIO: list[tuple[Callable[[Patch, str], None], ServerScenario]] = [
    (an_ended_driver_adopts, adopting_scenarios.nobody_waits_for_a_server_that_has_ended),
    (a_cancelled_session_has_no_terminal_event, adopting_scenarios.a_server_cancelled_while_its_client_is_away_ends),
]
"""Faults that show where a cancel reaches server and driver at once; on asyncio the session is always left first."""


@either
@pytest.mark.parametrize(("fault", "killer"), FAULTS, ids=lambda item: item.__name__)
def test_a_faulty_server_is_caught(
    world: str, fault: Callable[[Patch, str], None], killer: ServerScenario, monkeypatch: Patch
) -> None:
    fault(monkeypatch, world)
    with pytest.raises(AssertionError, match=killer.__name__):
        run_server_scenario(DRIVERS[world][0], SERVERS[world], killer)


@pytest.mark.parametrize(("fault", "killer"), ON_TRIO, ids=lambda item: item.__name__)
def test_a_faulty_server_that_is_cancelled_is_caught(
    fault: Callable[[Patch, str], None], killer: ServerScenario, monkeypatch: Patch
) -> None:
    fault(monkeypatch, "trio")
    with pytest.raises(AssertionError, match=killer.__name__):
        run_server_scenario(DRIVERS["trio"][0], SERVERS["trio"], killer)


def test_the_whole_kit_is_one_call_that_tells_every_rule_that_was_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    check_server_driver(DRIVERS["asyncio"][0], SERVERS["asyncio"])
    the_old_wire_is_never_dropped(monkeypatch, "asyncio")
    with pytest.raises(AssertionError) as caught:
        check_server_driver(DRIVERS["asyncio"][0], SERVERS["asyncio"])
    count, *lines = str(caught.value).splitlines()
    assert count == f"{len(lines)} of {len(SERVER_SCENARIOS)} checks fail."
    assert any(line.startswith("adopting_drops_the_old_wire: ") and "dropped after" in line for line in lines)
    assert any(line.startswith("adopting_again_and_again_holds_one_wire: ") for line in lines)
