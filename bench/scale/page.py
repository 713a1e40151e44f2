"""The page, from the results. Pure; `scale.command` writes it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scale import plan
from scale.experiments import BAR_S, LOSING, MOST_SESSIONS, OVERHEAD_S, SEEDS
from scale.simulation import NOTICED_S

HEAD = """# A plan past this machine

Made by `python bench/scale/run.py --write`, and rendered again from its results by `python bench/scale/run.py render`.

No cluster of this size was at hand, and no GPU. **These are simulations**: the real scheduler
(`engines/auricle/engines/scheduling`) orders, batches and admits; what a call takes is measured for one processor core,
and taken from published figures or reckoned on paper for GPUs, so those are shown with half the cost and with twice.
People talk for 3 s and pause for 4 s, on average, and want two partials a second. A number of sessions is *held* where
"""
TAIL = """
## What is assumed, and what would change it

* **Costs on GPUs were never measured here.** That of an H200 is FLOPs over 37 % of its peak, and decoder steps bound by
  launches; that of an RTX 3070 Ti is fitted to two published times. Halving or doubling them moves sessions by about as
  much. `python bench/streaming/gpu.py` measures a GPU in minutes; its numbers belong into `bench/scale/costs.py`.
* **The event loop** was measured with trio-websocket on one core, and is planned for 70 % of it with frames of 100 ms.
  With frames of 20 ms a gateway has a fifth of the sessions. Gateways share nothing, so their number is a division.
* **Sessions a day** last 180 s each, and the busiest minute has three times the average. With sessions of 60 s
  everything is a third of it.
* Sessions in the simulation never end, so that nobody's place becomes free; the way to a worker and back is 10 ms a
  call, and never full. Between processes of one machine a call on a Ray worker was measured to take at most 8 ms more
  than one here ([bench-cluster.md](bench-cluster.md)), and the rest is for a network. The last column of the plan says
  how much it would have to carry.
* **A lost worker** is noticed after 2 s, as one that falls silent is. On Ray's own processes, which were killed, it
  took 1.6 s, and no word was lost.
* **How a session moves** is not simulated here: it is tested with real processes ([cluster.md](cluster.md)). A
  gateway's death costs its sessions a resume or a restart, and the others nothing.
"""


def page(results: Mapping[str, Any]) -> str:
    """Return the page."""
    lines = [
        HEAD.rstrip(),
        f"the 95th percentile of finals is at most {BAR_S:g} s after the end of speech (0.2 s of that is the silence",
        f"that ends an utterance), and the scheduler would admit one more; the worse of {len(SEEDS)} seeds counts. "
        f"A call takes {1000 * OVERHEAD_S:g} ms more on its way. Nothing is heard here; which words so short a silence "
        "costs is in [streaming.md](streaming.md).",
        "",
        *_one_worker(results["one_worker"]),
        *_plan(results),
        *_losses(results["losses"]),
        *_pooling(results["pooling"]),
        *_gateways(results["gateways"]),
    ]
    return "\n".join(lines).rstrip() + "\n" + TAIL


def _one_worker(rows: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    yield from _section("What one worker holds", ("worker", "cost ×", "in time", "admitted", "held", "p50", "p95",
                        "busy", "partials shown", "full first"))  # fmt: skip
    for row in rows:
        yield _row(
            row["name"], f"{row['factor']:g}", _count(row["in_time"]), row["admitted"], row["held"], _s(row["p50_s"]),
            _s(row["p95_s"]), f"{row['utilisation']:.0%}", f"{row['shown']:.0%}", plan.first_to_saturate(row),
        )  # fmt: skip
    yield ""
    yield (
        "*In time*: so many meet the bar. *Admitted*: so many the scheduler lets in, before finals alone would keep it "
        "busy for 60 % of the time. It counts a final as what it costs in the calls of the present load, and those are "
        "small: with a GPU it says no long before finals are late, which is safe, and leaves room that it cannot see. "
        "With a processor core, or a GPU that takes most of the half second for one final, it says no too late for "
        "this bar: `--max-sessions` then bounds what it does not."
    )
    yield ""
    yield "Where the costs come from:"
    yield ""
    yield from dict.fromkeys(f"* **{row['name']}**: {row['basis']}." for row in rows)
    yield ""


def _plan(results: Mapping[str, Any]) -> Iterable[str]:
    yield from _section("10, 100 and 1,000 GPUs", ("GPU", "cost ×", "GPUs", "sessions", "gateways",
                        "cores for voice and features", "to the workers"))  # fmt: skip
    gpus = [row for row in results["one_worker"] if "core" not in row["name"]]
    for row in gpus:
        for count in plan.GPUS:
            yield _fleet_row(row, f"{count:,}", plan.fleet(row, count))
    day = plan.for_a_day(gpus[0])
    yield ""
    yield from _section(
        f"{plan.SESSIONS_A_DAY:,} sessions a day",
        ("GPU", "cost ×", "GPUs", "sessions", "gateways", "cores for voice and features", "to the workers"),
    )
    for row in gpus:
        needed = plan.for_a_day(row)
        yield _fleet_row(row, "—" if needed["gpus"] is None else f"{needed['gpus']:,}", needed)
    yield ""
    yield (
        f"On average there are {day['average']:,} at a time; {plan.PEAK:g} times as many are planned for. Where a GPU "
        "holds none, it is too slow for the bar at any load."
    )
    yield ""


def _fleet_row(row: Mapping[str, Any], gpus: str, each: Mapping[str, Any]) -> str:
    return _row(
        row["name"], f"{row['factor']:g}", gpus, f"{each['sessions']:,}", f"{each['gateways']:,}",
        f"{each['voice_cores']:,}", f"{each['to_workers_gbit_s']:.1f} Gbit/s",
    )  # fmt: skip


def _losses(rows: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    yield from _section("What the death of a node costs", ("sessions", "of what is held", "workers lost", "finals lost",
                        "calls made again", "p95 before", "p95 in the 10 s after", "slowest", "p95 then"))  # fmt: skip
    for row in rows:
        yield _row(
            row["sessions"], f"{row['share']:.0%}", f"{row['lost']} of {row['of']}", row["words_lost"],
            f"{row['redone']:.1f}", _s(row["before_p95_s"]), _s(row["during_p95_s"]), _s(row["slowest_s"]),
            _s(row["after_p95_s"]),
        )  # fmt: skip
    yield ""
    yield (
        f"A gateway with {LOSING} workers (tiny.en, a core each, costs as measured) loses some without a word from "
        f"them, and knows it after {NOTICED_S:g} s. Calls that they had, and those that they were given meanwhile, "
        "are made again: that is the slowest final. What is left has to carry all sessions from then on; it does so "
        "with fewer partials."
    )
    yield ""


def _pooling(rows: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    yield from _section("One gateway with more workers", ("workers", "in time", "admitted", "held", "held a worker",
                        "p95"))  # fmt: skip
    for row in rows:
        yield _row(
            row["workers"], row["in_time"], row["admitted"], row["held"], f"{row['held'] / row['workers']:.1f}",
            _s(row["p95_s"]),
        )  # fmt: skip
    yield ""
    yield (
        "The same workers as in the section before. Bursts of one session fall into the pauses of others, and the more "
        "workers share a queue the better: so give a gateway several, and rather few gateways many than the contrary."
    )
    yield ""


def _gateways(rows: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    yield from _section("What the scheduler takes of a gateway", ("sessions", "windows a second", "a window",
                        "share of a core"))  # fmt: skip
    for row in rows:
        yield _row(
            row["sessions"], f"{row['windows_a_second']:,.0f}", f"{row['us_a_window']:,.0f} µs", f"{row['core']:.0%}"
        )
    yield ""
    yield (
        "Processor time of the whole simulation for each window, so at most that of the scheduler. It grows with the "
        "sessions of one gateway, beside what the event loop takes for their frames: "
        f"{plan.sessions_of_a_gateway()} sessions is what one is planned for."
    )
    yield ""


def _section(title: str, headings: Sequence[str]) -> Iterable[str]:
    yield f"## {title}"
    yield ""
    yield _row(*headings)
    yield _row(*("---" for _ in headings))


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _count(sessions: int) -> str:
    """Return a number of sessions; more than the most are not looked for."""
    return f"≥ {sessions:,}" if sessions >= MOST_SESSIONS else f"{sessions:,}"


def _s(seconds: float) -> str:
    return f"{seconds:.2f} s"
