"""Explore the core: every order of events of some bounded conversations, searched to the end.

``--config small`` takes a minute and runs with the tests; ``--config large`` takes a quarter of an hour on one core.
With ``--proof docs/proof.md`` the page is written that says what has been searched. Exit status: 0 where nothing
breaks.
"""

import argparse
import resource
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from auricle.core.outcomes import Effect, Guard
from auricle.core.testing.explorer import coverage, report
from auricle.core.testing.explorer.coverage import Choice, Moved
from auricle.core.testing.explorer.liveness import prove
from auricle.core.testing.explorer.search import Explored
from auricle.core.testing.explorer.settings import NAMED, Settings


class Row(NamedTuple):
    """One exploration, in numbers."""

    name: str
    states: int
    edges: int
    depth: int
    steps: int
    seconds: float
    verdict: str


def main() -> int:
    """Run what the command line asks for."""
    options = _options()
    rows: list[Row] = []
    with coverage.recorded() as recorded:
        for settings in NAMED[options.config]:
            if options.only in settings.name:
                rows.append(_run(settings, options.most, options.traces))
    covered = "\n".join((*_coverage(recorded.choices), "", *_moves(recorded.moves)))
    print(covered)
    if options.proof is not None:
        options.proof.write_text(_page(options.config, rows, covered), encoding="utf-8")
    return 0 if all(row.verdict == "holds" for row in rows) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", choices=sorted(NAMED), default="small")
    parser.add_argument("--only", default="", help="only explorations whose name has this in it")
    parser.add_argument("--most", type=int, default=5_000_000, help="most joint states of one exploration")
    parser.add_argument("--traces", type=Path, help="folder for traces of what breaks, as JSON lines")
    parser.add_argument("--proof", type=Path, help="write the page with the counts here")
    return parser.parse_args()


def _run(settings: Settings, most: int, traces: Path | None) -> Row:
    begun = time.perf_counter()
    explored = prove(settings, most=most)
    row = _row(explored, time.perf_counter() - begun)
    rate = row.states / row.seconds
    print(f"{row.name:32} {row.states:9} states {row.edges:9} edges {row.seconds:7.1f} s {rate:7.0f}/s {row.verdict}")
    if explored.found is not None:
        print("\n".join(report.conversation(explored, explored.found)))
        if traces is not None:
            path = traces / f"{settings.name.replace(' ', '-').replace(',', '')}.jsonl"
            path.write_text("\n".join(report.as_json(explored, explored.found)) + "\n", encoding="utf-8")
    sys.stdout.flush()
    return row


def _row(explored: Explored, seconds: float) -> Row:
    verdict = "cut short" if not explored.complete else "holds"
    if explored.found is not None:
        verdict = explored.found.why
    return Row(
        explored.settings.name,
        len(explored.keys),
        explored.edges,
        explored.depth,
        explored.cache.steps,
        seconds,
        verdict,
    )


def _coverage(choices: set[Choice]) -> list[str]:
    """Return what of the rule table was used, as lines of Markdown."""
    covered = coverage.summary(choices)
    run = {effect for _, effect in coverage.effects(choices)}
    held = coverage.guards(choices)
    lines = [f"{covered.used} of {len(coverage.everything())} outcomes of the rule table were chosen at least once."]
    lines += [f"- {count} were not: {why}." for why, count in sorted(covered.declared.items())]
    lines.append(f"- {len(covered.unused)} were not chosen for no reason that is known.")
    lines.append(f"- {len(covered.broken)} were chosen although no correct peer leads to them.")
    lines.append("")
    idle = _names(effect.name for effect in Effect if effect not in run)
    lines.append(f"Effects that only the outcomes left out above run: {idle}.")
    lines.append("")
    lines.append(f"Guards that only those meet: {_names(guard.name for guard in Guard if guard not in held)}.")
    if covered.unused:
        lines += ["", "Not chosen, and nobody knows why:", "", *(f"- {choice}" for choice in covered.unused)]
    return lines


def _moves(moves: set[Moved]) -> list[str]:
    """Return which moves of the attachment were made, as lines of Markdown."""
    covered = coverage.summary_of_moves(moves)
    of_all = len(tuple(coverage.every_move()))
    lines = [f"{covered.made} of {of_all} moves of the attachment's table were made at least once."]
    lines += [f"- {count} were not: {why}." for why, count in sorted(covered.declared.items())]
    lines.append(f"- {len(covered.unmade)} were not made for no reason that is known.")
    if covered.unmade:
        lines += ["", "Not made, and nobody knows why:", "", *(f"- {move}" for move in covered.unmade)]
    return lines


def _names(names: Iterable[object]) -> str:
    listed = ", ".join(f"`{name}`" for name in names)
    return listed or "none"


PAGE = """# What has been searched

Written by `python tools/explore.py --config {config} --proof docs/proof.md`; do not edit.

Every order of events of the conversations below was run through the real `step` of both sides, with both channels
between them: what the application, the engine, the network and time may do next, at every point. {verdict}

**{states:,} joint states, {edges:,} transitions, {seconds:.0f} s, {memory} MiB at most.** The deepest state is
{depth} events from the beginning.

| conversation | joint states | transitions | deepest | calls of `step` | seconds | result |
|---|---:|---:|---:|---:|---:|---|
{rows}

What each conversation may contain is in `auricle.core.testing.explorer.settings`. Times are not in the search: timers
fire whenever they are armed (`auricle.core.testing.explorer.endpoints` says why that covers every real order, and
`moves` which of them may not run out while a working network carries a sign of life).

## What of the rule table was used

{coverage}
"""


HOLDS = """In every joint state the invariants of `auricle.core.testing.explorer.checks` held.

**Every session ends by time alone**: no engine, model, network or peer has to do anything for it. Every snapshot of
either side was left to its timers, with a silent peer and with one that says nothing but keepalives, with an engine and
a loading model that stand still, and was over within the bound of `auricle.core.testing.time_alone.longest_s`. One
thing is asked of somebody: a client's bound counts from its `end_input`, as an application may keep its input open for
as long as its server lets it (`session_max_s`).

**No joint state is a trap**, either: from every one of them there is a way to the end of both sides that consists of
nothing but delivery, timers that run out, an engine that decides what it has heard and an application that ends its
input. That way is how sessions end when all goes well; it does not carry the claim above."""


def _page(config: str, rows: list[Row], covered: str) -> str:
    lines = [
        f"| {row.name} | {row.states:,} | {row.edges:,} | {row.depth} | {row.steps:,} "
        f"| {row.seconds:.1f} | {row.verdict} |"
        for row in rows
    ]
    holds = all(row.verdict == "holds" for row in rows)
    return PAGE.format(
        config=config,
        verdict=HOLDS if holds else "**Not everything holds: see the results.**",
        states=sum(row.states for row in rows),
        edges=sum(row.edges for row in rows),
        seconds=sum(row.seconds for row in rows),
        depth=max(row.depth for row in rows),
        memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        rows="\n".join(lines),
        coverage=covered,
    )


if __name__ == "__main__":
    sys.exit(main())
