"""The ten driver rules (notes/sans-io.md §5), each against both drivers, on virtual time."""

import pytest

from auricle.core import Limits
from auricle.transports.testing.cancellation_sweep import STORIES
from auricle.transports.testing.driver import IMPATIENCE, SCENARIOS, check_driver
from auricle.transports.testing.driver_harness import DriverHarness, Scenario, read_all, run_scenario
from transports.conftest import shuffle
from transports.drivers import DRIVERS
from transports.testing.test_planted_faults import NATIVE, edit

either = pytest.mark.parametrize("driver", DRIVERS)


@either
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_scenario(driver: str, scenario: Scenario) -> None:
    run_scenario(*DRIVERS[driver], scenario)


@pytest.mark.parametrize("seed", range(1, 11))
def test_any_order_of_tasks_will_do(seed: int) -> None:
    shuffle(seed)
    for scenario in SCENARIOS:
        run_scenario(*DRIVERS["trio"], scenario)


def test_the_whole_kit_is_one_call_that_tells_every_rule_that_was_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that hangs up as soon as it should close breaks some rules and keeps the others."""
    edit(monkeypatch, NATIVE["trio"], "_write", ("await wire.close(item.code, item.reason)", "await wire.abort()"))
    with pytest.raises(AssertionError) as caught:
        check_driver(*DRIVERS["trio"])
    count, *lines = str(caught.value).splitlines()
    assert count == f"{len(lines)} of {len(SCENARIOS) + len(STORIES) * len(IMPATIENCE)} checks fail."
    names = [line.partition(":")[0] for line in lines]
    assert {"rule_9_our_own_close_is_the_third", "rule_10_the_closing_handshake_is_waited_for"} <= set(names)
    assert "rule_1_one_task_owns_the_session" not in names
    assert len(set(names)) == len(names)


def test_where_a_hang_waits_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auricle.transports.asyncio.driver.Driver._route", lambda self, outputs: None)
    with pytest.raises(AssertionError, match=r"hangs.*\(it waits in the entering of the client's block\)"):
        run_scenario(*DRIVERS["asyncio"], SCENARIOS[0])


@either
def test_it_is_told_down_to_the_call(driver: str) -> None:
    async def nobody_answers(harness: DriverHarness) -> None:
        harness.peer.ready()
        async with harness.connect() as client, harness.loop.within(5.0, "Somebody answers."):
            await read_all(client)

    with pytest.raises(AssertionError, match=r"^nobody_answers: Somebody answers \(it waits in .*the next event"):
        run_scenario(*DRIVERS[driver], nobody_answers)


@either
def test_an_open_wire_is_named_with_what_it_is_asked_for(driver: str) -> None:
    async def hangs(harness: DriverHarness) -> None:
        harness.peer.ready()
        async with harness.connect(
            limits=Limits(write_stall_s=1e8, silence_timeout_s=1e8, ping_interval_s=1e8)
        ) as client:
            harness.wire.clogged = True
            await client.send_audio(bytes(640))
            await harness.loop.signal().wait()

    with pytest.raises(AssertionError, match=r"it waits in .*wire 0\.receive\(\) and in wire 0\.send\("):
        run_scenario(*DRIVERS[driver], hangs)
