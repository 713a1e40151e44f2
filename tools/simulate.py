"""Run simulated conversations by their seeds: ``python tools/simulate.py --seeds 0:2000``.

Prints how many there were, how long they took, and what happened in them. A seed that fails is told with the command
that runs it again, the conversation, and a file of its frames.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from auricle.core.testing.random_scenarios import draw
from auricle.core.testing.simulation import Simulation, SimulationFailure

TOLD_LINES = 120
"""Lines of a conversation that are printed: the last ones."""


def main() -> int:
    """Run what the command line asks for; 1 where something failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0:2000", help="first:end, or one seed (default: %(default)s)")
    parser.add_argument("--minutes", type=float, help="go on with later seeds for so long")
    parser.add_argument("--most-failures", type=int, default=1, help="stop after so many (default: %(default)s)")
    parser.add_argument(
        "--frames", type=Path, default=Path(), help="folder for the frames of a failure (default: here)"
    )
    parser.add_argument("--verbose", action="store_true", help="print the whole conversation, failed or not")
    arguments = parser.parse_args()
    try:
        seeds = _seeds(arguments.seeds, arguments.minutes)
    except ValueError:
        parser.error(f"--seeds is two numbers with a colon between them, or one number, not {arguments.seeds!r}")
    return _run(seeds, arguments.most_failures, arguments.frames, verbose=arguments.verbose)


def _seeds(text: str, minutes: float | None) -> Iterable[int]:
    first, _, end = text.partition(":")
    begin = int(first)
    if minutes is None:
        return range(begin, int(end) if end else begin + 1)
    return _for_minutes(begin, minutes)


def _for_minutes(seed: int, minutes: float) -> Iterable[int]:
    until = time.monotonic() + 60 * minutes
    while time.monotonic() < until:
        yield seed
        seed += 1


def _run(seeds: Iterable[int], most_failures: int, folder: Path, *, verbose: bool) -> int:
    began, run, failures, virtual_s, actions = time.monotonic(), 0, 0, 0.0, 0
    coverage: Counter[str] = Counter()
    for seed in seeds:
        run += 1
        simulation = Simulation(draw(seed))
        try:
            report = simulation.run()
        except SimulationFailure as failure:
            failures += 1
            _tell(seed, failure, folder, verbose=verbose)
            if failures >= most_failures:
                break
            continue
        virtual_s += report.virtual_s
        actions += report.actions
        coverage.update(report.coverage)
        if verbose:
            print(simulation.scenario, *simulation.transcript.lines(), report, sep="\n")
    seconds = time.monotonic() - began
    for name, count in sorted(coverage.items()):
        print(f"{count:8} {name}")
    print(
        f"{run} seeds in {seconds:.1f} s ({run / seconds:.0f} seeds/s), {virtual_s / 3600:.1f} virtual hours, "
        f"{actions} deeds, {failures} failures"
    )
    return 1 if failures else 0


def _tell(seed: int, failure: SimulationFailure, folder: Path, *, verbose: bool) -> None:
    simulation = failure.simulation
    lines = list(simulation.transcript.lines())
    print(f"seed {seed}: {failure}", simulation.scenario, sep="\n")
    print(*(lines if verbose else lines[-TOLD_LINES:]), sep="\n")
    file = folder / f"simulation-{seed}.jsonl"
    file.write_text("".join(f"{line}\n" for line in simulation.transcript.json_lines()), encoding="utf-8")
    print(f"frames: {file}", f"again: python tools/simulate.py --seeds {seed} --verbose", sep="\n")


if __name__ == "__main__":
    sys.exit(main())
