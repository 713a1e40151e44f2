"""The plan's simulation: no final is lost whatever is, the same seed says the same, and the page is of its results."""

import pytest
from scale import plan
from scale.command import PAGE, _results
from scale.costs import H200_TURBO, RTX_LARGE, TINY, Costs
from scale.experiments import most_sessions
from scale.page import page
from scale.simulation import NOTICED_S, Loss, Report, Simulation


def run(costs: Costs = TINY, **how: object) -> Report:
    return Simulation(costs, **({"workers": 1, "sessions": 6, "seconds": 30.0} | how)).run()  # type: ignore[arg-type]


@pytest.mark.parametrize("costs", [TINY, H200_TURBO, RTX_LARGE])
@pytest.mark.parametrize("sessions", [1, 12, 60])
def test_every_final_comes_at_any_load(costs: Costs, sessions: int) -> None:
    report = run(costs, sessions=sessions)
    assert report.heard == report.spoken > 0


@pytest.mark.parametrize("lost", [1, 3])
def test_every_final_comes_when_workers_are_lost_and_those_that_they_had_come_late(lost: int) -> None:
    report = run(workers=4, sessions=60, loss=Loss(at_s=25.0, workers=lost))
    assert report.heard == report.spoken
    assert report.redone >= 1
    spared = run(workers=4, sessions=60)
    assert spared.redone == 0
    assert spared.delay_s(1.0) < report.delay_s(1.0)
    if lost == 3:
        assert report.delay_s(1.0) > NOTICED_S, "what a lost worker had is noticed no sooner"


def test_the_same_seed_says_the_same() -> None:
    assert run(sessions=8, seed=3).finals == run(sessions=8, seed=3).finals
    assert run(sessions=8, seed=3).finals != run(sessions=8, seed=4).finals


def test_a_machine_half_as_quick_is_later() -> None:
    assert run(factor=2.0).delay_s(0.5) > run(factor=1.0).delay_s(0.5)


def test_costs_grow_with_windows_and_their_length() -> None:
    for costs in (TINY, H200_TURBO, RTX_LARGE):
        one, eight = (costs.call_s(48_000, size, is_final=False) for size in (1, 8))
        assert one < eight < 8 * one
        assert one < costs.call_s(160_000, 1, is_final=False)
        assert one < costs.call_s(48_000, 1, is_final=True)


@pytest.mark.parametrize("limit", [0, 1, 2, 7, 33])
def test_the_most_sessions_are_found(limit: int) -> None:
    assert most_sessions(lambda sessions: sessions <= limit) == limit


def test_the_plan_is_a_division() -> None:
    row = {"held": 100, "windows_a_second": 1.0}
    assert plan.fleet(row, 10)["sessions"] == 1_000
    assert plan.for_a_day(row)["gpus"] == 63  # 1,000,000 × 180 s / 86,400 s × 3, a hundred on each
    assert plan.for_a_day({"held": 0, "windows_a_second": 1.0})["gpus"] is None


def test_the_page_is_what_the_results_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(_results())
