"""The command line of the bench of sessions."""

import argparse
import os
import platform
import statistics
from pathlib import Path
from typing import Final

from sessions.measuring import Cost, measure
from sessions.page import TITLES, page, table

PAGE: Final = Path(__file__).parents[2] / "docs" / "bench-sessions.md"
MOST_WAITED: Final = 0.1
NOTES: Final = "## What it is made of"
"""Where the part of the page begins that people write."""


def main() -> int:
    """Measure, print the table, and write the page where that is wanted."""
    parser = argparse.ArgumentParser(description="What a session costs the server, without a model.")
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=TITLES, action="append")
    parser.add_argument("--profile", help="write a profile of the server, which makes it slower")
    parser.add_argument("--write", action="store_true", help="write docs/bench-sessions.md")
    chosen = parser.parse_args()
    names = chosen.only or list(TITLES)
    runs: dict[str, list[Cost]] = {name: [] for name in names}
    processor = _pin()
    for _ in range(chosen.rounds):
        for name in names:
            cost = measure(name, chosen.sessions, chosen.seconds, profile=chosen.profile, processor=processor)
            runs[name].append(cost)
            print(
                f"{name}: {cost.messages_per_cpu_s:.0f} messages a CPU-second, {cost.busy:.0%} busy, "
                f"{cost.waited:.0%} of the time without a processor",
                flush=True,
            )
    costs = {name: Cost(*map(statistics.median, zip(*each, strict=True))) for name, each in runs.items()}
    print("\n".join(table(costs)))
    most = max(cost.waited for cost in costs.values())
    if most > MOST_WAITED:
        print(f"A server waited for a processor {most:.0%} of the time: on a machine that busy this is no measurement.")
        return 1
    if chosen.write:
        written = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        notes = NOTES + written.partition(NOTES)[2]
        text = page(
            costs,
            notes,
            sessions=chosen.sessions,
            rounds=chosen.rounds,
            seconds=chosen.seconds,
            machine=f"{os.cpu_count()} processors, Python {platform.python_version()}",
        )
        PAGE.write_text(text, encoding="utf-8")
    return 0


def _pin() -> int | None:
    """Keep this process on the last processor, and return the first for the servers; None where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        return None
    os.sched_setaffinity(0, {allowed[-1]})
    return allowed[0]
