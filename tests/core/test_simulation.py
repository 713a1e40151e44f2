"""Whole conversations with everything that can happen to them, by their seeds: the same ones in every run of CI."""

import os
import time
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings

from auricle.core.testing import strategies
from auricle.core.testing.random_scenarios import draw
from auricle.core.testing.scenario import AskFlush, EndInput, EngineProfile, Fault, Path, Rest, Scenario, Speak
from auricle.core.testing.simulation import Report, Simulation, SimulationFailure, simulate

SEEDS = 2_000
PARTS = 4
LONG_MINUTES = float(os.environ.get("AURICLE_LONG_MINUTES", "0"))
TOLD_LINES = 60


def run(seed: int) -> Report:
    """Run a seed; a failure says how to run it again, and shows the end of the conversation."""
    simulation = Simulation(draw(seed))
    try:
        return simulation.run()
    except SimulationFailure as failure:
        lines = list(simulation.transcript.lines())[-TOLD_LINES:]
        again = f"python tools/simulate.py --seeds {seed} --verbose"
        pytest.fail("\n".join([f"seed {seed}: {failure}", f"again: {again}", *lines]), pytrace=False)


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_happens_it_ends_and_nothing_is_lost_unsaid(part: int, capsys: pytest.CaptureFixture[str]) -> None:
    began, virtual_s = time.perf_counter(), 0.0
    seeds = range(part, SEEDS, PARTS)
    coverage: set[str] = set()
    for seed in seeds:
        report = run(seed)
        virtual_s += report.virtual_s
        coverage |= report.coverage
    with capsys.disabled():
        print(f"\n{len(seeds)} conversations, {virtual_s / 3600:.0f} hours in {time.perf_counter() - began:.0f} s")
    # What a quarter of the seeds does not come to is not being tested.
    assert {"told Resumed", "told Restarted", "told Configured", "gap", "ended completed complete"} <= coverage
    assert {"cut", "half_open_client", "half_open_server", "restart", "stall", "sleep_server", "refuse"} <= coverage


@pytest.mark.skipif(not LONG_MINUTES, reason="AURICLE_LONG_MINUTES says how long to look for new failures")
def test_seeds_that_nobody_has_tried() -> None:
    until = time.monotonic() + 60 * LONG_MINUTES
    for seed in count(int.from_bytes(os.urandom(4), "little")):
        run(seed)
        if time.monotonic() > until:
            break


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(strategies.scenarios())
def test_scenarios_that_become_small_when_they_fail(scenario: Scenario) -> None:
    simulate(scenario)


def test_a_server_that_stops_as_a_client_comes_back_hands_the_session_on() -> None:
    """The client says ``resume`` as the server is told to stop: it begins anew, and loses nothing."""
    cut = Fault(kind="cut", at_s=2.0, for_s=4.5)
    stops = Fault(kind="shutdown", said_by="client", message="resume", for_s=0.01, late_client=True)
    steps = (Speak(samples=200, piece=10, live=True, ragged=True), EndInput())
    at_once = Path(latency_s=0.0, jitter_s=0.0, batch_s=0.0, buffer_bytes=300)
    engine = EngineProfile(load_s=0.0, rtf=0.0, overhead_s=0.3)
    scenario = Scenario(
        steps=steps, faults=(cut, stops), up=at_once, down=at_once, connect_s=0.0, block=400, engine_profile=engine
    )
    assert "told Restarted" in simulate(scenario).coverage


def test_a_seed_is_a_conversation() -> None:
    one, other = (Simulation(draw(7)) for _ in range(2))
    assert one.run() == other.run()
    assert list(one.transcript.json_lines()) == list(other.transcript.json_lines())


def test_a_failure_says_why_and_when_and_shows_what_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auricle.core.testing.result_checks.time_allowed", lambda _: 0.1)
    monkeypatch.setattr("auricle.core.testing.simulation.time_allowed", lambda _: 0.1)
    with pytest.raises(SimulationFailure, match=r"at 0\.\d+ s: I9: it is not over") as failure:
        simulate(Scenario(steps=(Speak(16_000, 1_600, live=True), EndInput())))
    assert any('"type":"start"' in line for line in failure.value.simulation.transcript.lines())


def test_hours_pass_at_once() -> None:
    steps = (Speak(16_000, 1_600), *(Rest(3_000.0) for _ in range(4)), AskFlush(), EndInput())
    report = simulate(Scenario(steps=steps))
    assert report.virtual_s > 12_000
    assert report.closed.complete is True


@pytest.mark.parametrize("kind", ["cut", "half_open_server", "stall", "restart", "slow_server"])
def test_a_fault_in_the_middle_costs_nothing(kind: str) -> None:
    fault = Fault(kind=kind, at_s=5.0, for_s=2.0)  # type: ignore[arg-type]
    report = simulate(Scenario(steps=(Speak(160_000, 1_600, live=True), EndInput()), faults=(fault,)))
    assert report.closed.complete is True
    assert kind in report.coverage


def test_a_conversation_can_be_read() -> None:
    simulation = Simulation(Scenario(steps=(Speak(16_000, 1_600), EndInput())))
    simulation.run()
    lines = list(simulation.transcript.lines())
    assert any('"type":"final"' in line for line in lines)
    assert any("audio, 32000 bytes" in line for line in lines)
    assert all(line.startswith('{"t": ') for line in simulation.transcript.json_lines())
