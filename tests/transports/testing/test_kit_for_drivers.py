"""The ten driver rules (notes/sans-io.md §5), each against both drivers, on virtual time."""

import pytest

from auricle.transports.testing.driver import SCENARIOS, check_driver
from auricle.transports.testing.driver_harness import Scenario, run_scenario
from transports.conftest import shuffle
from transports.drivers import DRIVERS

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


def test_the_whole_kit_is_one_call_that_says_which_rule_was_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auricle.transports.asyncio.driver.Driver._route", lambda self, outputs: None)
    with pytest.raises(AssertionError, match=r"^rule_1_one_task_owns_the_session: .*hangs"):
        check_driver(*DRIVERS["asyncio"])
