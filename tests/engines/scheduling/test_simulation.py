"""What the rules are for: many speakers on one core, with the costs of tiny.en. Same speech, two ways to serve."""

from functools import cache

import pytest

from auricle.engines.policy.events import Urgency
from auricle.engines.scheduling.load import HOLD_S, SHORTEST_INTERVAL_S
from auricle.engines.scheduling.scheduler import queued
from engines.scheduling.simulation import InOrder, Report, Scheduled, Simulation

SEEDS = (1, 2, 3)
SATURATED = 6
"""Sessions that keep the core busy all the time when everything is decoded alone: 3 s of speech, 4 s of pause."""
OVERLOAD = 3 * SATURATED


@cache
def ours(sessions: int, seed: int) -> tuple[Report, Scheduled]:
    server = Scheduled(sessions)
    return Simulation(server, sessions, seed=seed).run(), server


@cache
def in_order(sessions: int, seed: int) -> Report:
    return Simulation(InOrder(sessions), sessions, seed=seed).run()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("sessions", "bar_s", "times"),
    [(3, 0.50, 1.0), (SATURATED, 0.55, 1.3), (12, 0.60, 20.0)],
)
def test_finals_come_in_time_and_much_sooner_than_in_order(sessions, bar_s, times, seed):
    report, _ = ours(sessions, seed)
    assert report.p95_s <= bar_s
    assert report.p95_s * times <= in_order(sessions, seed).p95_s * 1.02


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("sessions", [1, 3, SATURATED, 12, OVERLOAD, 50])
def test_no_final_is_lost_at_any_load(sessions, seed):
    report, server = ours(sessions, seed)
    assert len(report.finals_s) == report.spoken > 0
    assert not queued(server.state)
    assert not server.state.running
    assert {job.urgency for job in server.replaced} <= {Urgency.FIRST, Urgency.PARTIAL}


@pytest.mark.parametrize("seed", SEEDS)
def test_three_times_too_much_is_borne_by_all_alike(seed):
    report, server = ours(OVERLOAD, seed)
    assert server.state.pace.interval_s > 3 * SHORTEST_INTERVAL_S
    assert report.unfairness <= 2.0
    assert report.p95_s <= 2.0 * report.p50_s


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_held_back_while_there_is_room(seed):
    report, server = ours(2, seed)
    assert not server.replaced
    assert report.served[Urgency.FIRST] + report.served[Urgency.PARTIAL] == report.partials
    assert all(interval_s == SHORTEST_INTERVAL_S for now_s, interval_s in server.intervals_s if now_s > HOLD_S)


@pytest.mark.parametrize("seed", SEEDS)
def test_calls_grow_with_the_work(seed):
    sizes = [sum(report.sizes) / len(report.sizes) for report, _ in (ours(3, seed), ours(2 * SATURATED, seed))]
    assert 1.0 <= sizes[0] < sizes[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_asked_for_fits_and_is_nearly_all_served(seed):
    report, _ = ours(SATURATED, seed)
    asked = report.partials
    assert report.served[Urgency.FIRST] + report.served[Urgency.PARTIAL] >= 0.9 * asked
    assert asked >= 0.5 * in_order(SATURATED, seed).partials


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("sessions", [4, SATURATED, 8, 12])
def test_the_interval_does_not_swing(sessions, seed):
    _, server = ours(sessions, seed)
    assert len(server.intervals_s) <= 12  # in 60 s and as many sessions that began at once
    settled = [interval_s for now_s, interval_s in server.intervals_s if now_s > 30.0]
    assert max(settled, default=1.0) <= 3.0 * min(settled, default=1.0)


@pytest.mark.parametrize("speed", [0.02, 0.3, 3.0])
def test_other_machines_are_learned(speed):
    """Fifty times as quick, three times as quick, three times as slow."""
    server = Scheduled(SATURATED)
    report = Simulation(server, SATURATED, speed=speed).run()
    assert len(report.finals_s) == report.spoken
    assert report.unfairness <= 2.0
    assert (server.state.pace.interval_s == SHORTEST_INTERVAL_S) == (speed < 1)


def test_the_same_speech_gives_the_same_report():
    assert Simulation(Scheduled(8), 8, seed=5).run() == Simulation(Scheduled(8), 8, seed=5).run()
