"""The experiments, each from the simulation alone: their results are plain numbers for the page."""

from collections.abc import Callable
from typing import Any

from scale.costs import FACTORS, H200_TURBO, RTX_LARGE, TINY, Costs
from scale.simulation import Loss, Report, Simulation

BAR_S = 0.5
"""What a final may take from the end of speech, at the 95th percentile."""
SEEDS = (1, 2)
SECONDS = 36.0
OVERHEAD_S = 0.01
"""Of a call on a worker of another machine: more than was measured between processes of one (docs/bench-cluster.md)."""
FINEST = 0.06
"""A number of sessions is looked for as exactly as this share of it."""
MOST_SESSIONS = 1_024
"""More are not looked for: no gateway holds them."""
POOLS = (1, 2, 4, 8, 16)
LOST = (1, 2, 4)
LOSING = 8
"""Workers of the gateway that loses some."""
LOSS_AT_S = 40.0
AFTER_S = 10.0
"""So long after a loss finals are looked at."""
GATEWAY_SESSIONS = (50, 100, 200, 400, 800)


def simulated(costs: Costs, sessions: int, *, workers: int = 1, factor: float = 1.0) -> list[Report]:
    """Return the reports of all seeds."""
    return [
        Simulation(
            costs,
            workers=workers,
            sessions=sessions,
            factor=factor,
            overhead_s=OVERHEAD_S,
            seconds=SECONDS,
            seed=seed,
        ).run()
        for seed in SEEDS
    ]


def in_time(reports: list[Report]) -> bool:
    """Whether finals were in time, and none was lost."""
    return all(one.spoken == one.heard and one.delay_s(0.95) <= BAR_S for one in reports)


def admitted(reports: list[Report]) -> bool:
    """Whether the scheduler would have taken one more session."""
    return all(one.admits for one in reports)


def most_sessions(holds: Callable[[int], bool]) -> int:
    """Return the most sessions that hold, up to `MOST_SESSIONS`; 0: not even one.

    More are taken never to hold where fewer do not.
    """
    high = 1
    while high <= MOST_SESSIONS and holds(high):
        high *= 2
    low = high // 2
    if low >= MOST_SESSIONS:
        return low
    while high - low > max(1, FINEST * low):
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def capacity(costs: Costs, *, workers: int, factor: float) -> dict[str, Any]:
    """Return how many sessions some workers of one gateway hold, and what it is like for them."""
    known: dict[int, list[Report]] = {}

    def reports(sessions: int) -> list[Report]:
        if sessions not in known:
            known[sessions] = simulated(costs, sessions, workers=workers, factor=factor)
        return known[sessions]

    held = most_sessions(lambda sessions: in_time(reports(sessions)))
    taken = most_sessions(lambda sessions: admitted(reports(sessions)))
    both = min(held, taken)
    like = reports(max(1, both))
    return {
        "workers": workers,
        "factor": factor,
        "in_time": held,
        "admitted": taken,
        "held": both,
        "p50_s": _mean(one.delay_s(0.5) for one in like),
        "p95_s": _mean(one.delay_s(0.95) for one in like),
        "windows_a_second": _mean(one.jobs / SECONDS / max(1, both) for one in like),
        "utilisation": _mean(one.utilisation for one in like),
        "shown": _mean(one.shown / max(1, one.asked) for one in like),
    }


def one_worker(tell: Callable[[str], None]) -> list[dict[str, Any]]:
    """Every kind of worker alone, with its cost halved and doubled where it has not been measured."""
    rows = []
    for costs in (H200_TURBO, RTX_LARGE, TINY):
        for factor in (1.0,) if costs is TINY else FACTORS:
            tell(f"one worker: {costs.name} × {factor:g}")
            rows.append({"name": costs.name, "basis": costs.basis} | capacity(costs, workers=1, factor=factor))
    return rows


def pooling(tell: Callable[[str], None]) -> list[dict[str, Any]]:
    """One gateway with more and more workers: what a pool is worth over as many gateways with one each."""
    rows = []
    for workers in POOLS:
        tell(f"a pool of {workers}")
        rows.append({"name": TINY.name} | capacity(TINY, workers=workers, factor=1.0))
    return rows


def losses(tell: Callable[[str], None]) -> list[dict[str, Any]]:
    """A gateway that loses some of its workers at once, with as many sessions as it holds, and with fewer."""
    full = capacity(TINY, workers=LOSING, factor=1.0)["held"]
    rows = []
    for share in (0.6, 0.8, 1.0):
        for workers in LOST:
            tell(f"{workers} of {LOSING} workers lost at {share:.0%} of what they hold")
            sessions = round(share * full)
            reports = [
                Simulation(
                    TINY,
                    workers=LOSING,
                    sessions=sessions,
                    overhead_s=OVERHEAD_S,
                    seconds=LOSS_AT_S + 2 * AFTER_S,
                    loss=Loss(at_s=LOSS_AT_S, workers=workers),
                    seed=seed,
                ).run()
                for seed in SEEDS
            ]
            rows.append(
                {
                    "sessions": sessions,
                    "share": share,
                    "lost": workers,
                    "of": LOSING,
                    "words_lost": sum(one.spoken - one.heard for one in reports),
                    "redone": _mean(one.redone for one in reports),
                    "before_p95_s": _mean(one.delay_s(0.95, until_s=LOSS_AT_S - AFTER_S) for one in reports),
                    "during_p95_s": _mean(_around(one, 0.95) for one in reports),
                    "slowest_s": max(_around(one, 1.0) for one in reports),
                    "after_p95_s": _mean(one.delay_s(0.95, from_s=LOSS_AT_S + AFTER_S) for one in reports),
                }
            )
    return rows


def _around(report: Report, share: float) -> float:
    return report.delay_s(share, from_s=LOSS_AT_S - 1.0, until_s=LOSS_AT_S + AFTER_S)


def gateways(tell: Callable[[str], None]) -> list[dict[str, Any]]:
    """What the scheduler of one gateway takes of a processor, with more and more sessions on workers that keep up."""
    rows = []
    for sessions in GATEWAY_SESSIONS:
        tell(f"the scheduler with {sessions} sessions")
        workers = max(1, sessions // 200)
        report = Simulation(
            H200_TURBO, workers=workers, sessions=sessions, overhead_s=OVERHEAD_S, seconds=SECONDS
        ).run()
        rate = report.jobs / (SECONDS * sessions)
        rows.append(
            {
                "sessions": sessions,
                "workers": workers,
                "us_a_window": report.us_a_job,
                "windows_a_second": rate * sessions,
                "core": report.us_a_job * 1e-6 * rate * sessions,
            }
        )
    return rows


def _mean(values: Any) -> float:
    listed = [float(value) for value in values]
    return sum(listed) / len(listed)
