"""The command line of the plan."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from scale import experiments
from scale.page import page

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results.json"
PAGE = ROOT / "docs" / "scale.md"
PARTS = {
    "one_worker": experiments.one_worker,
    "pooling": experiments.pooling,
    "losses": experiments.losses,
    "gateways": experiments.gateways,
}


def main() -> int:
    """Simulate, print the page, and write it with ``--write``. Returns the exit code."""
    options = _options()
    results = _results() if options.what == "render" else {name: part(_tell) for name, part in PARTS.items()}
    text = page(results)
    if options.what == "render" or options.write:
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(text, encoding="utf-8")
    else:
        print(text)
    return 0


def _results() -> dict[str, Any]:
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return results


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/scale/run.py", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("simulate", "render"), default="simulate")
    parser.add_argument("--write", action="store_true", help="write the results and docs/scale.md")
    return parser.parse_args()
