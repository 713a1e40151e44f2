"""What the core costs: microseconds a frame and a message, bytes a session, and whether the bars are held.

python bench/core/run.py             prints the tables
python bench/core/run.py --write     also writes docs/bench-core.md and its plot (needs matplotlib)

Exit code 1 where a bar is not held.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

import memory
import report
import timing
from workloads import WORKLOADS

DOCS = Path(__file__).parents[2] / "docs"
PLOT = "bench-core.svg"


def main() -> int:
    """Measure, print, and write the page where it is wanted. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=51, help="interleaved rounds (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="write docs/bench-core.md and its plot")
    options = parser.parse_args()

    measured = timing.measure(WORKLOADS, options.rounds)
    held = memory.measure()
    print(f"{report.machine()}; {options.rounds} rounds\n\n{report.body(measured, held)}", end="")
    if options.write:
        import_module("plot").draw(measured, DOCS / PLOT)  # matplotlib is needed for nothing else
        (DOCS / "bench-core.md").write_text(report.page(measured, held, PLOT), encoding="utf-8")
    return any("NOT HELD" in line for line in report.verdicts(measured, held))


if __name__ == "__main__":
    sys.exit(main())
