"""The command line of the bench of engine workers."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import machine
import trio
from metrics import percentile

from cluster import overhead
from cluster.kills import survive
from cluster.page import page

RESULTS: Final = Path(__file__).parent / "results.json"
PAGE: Final = machine.ROOT / "docs" / "bench-cluster.md"
SESSIONS: Final = 50
KILLS: Final = 6
EVERY_S: Final = 10.0


def main() -> int:
    """Do what is asked. Returns the exit code."""
    options = _options()
    results = kept() if options.what == "render" else _measured(options)
    if options.what == "render" or options.write:
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(page(results), encoding="utf-8")
    else:
        print(page(results))
    return 0


def kept() -> dict[str, Any]:
    """Return the results of the last run that was kept."""
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return results


def _measured(options: argparse.Namespace) -> dict[str, Any]:
    meta = {**machine.facts(sys.argv), "ray": version("ray"), "model": options.model}
    decodes = overhead.measure(options.speech, options.model)
    _tell(f"overhead: {decodes}")
    outcome = trio.run(partial(survive, options.sessions, kills=options.kills, every_s=options.every))
    kills = asdict(outcome)
    delays_s = kills["heard"].pop("delays_s")
    _tell(f"kills: {kills}")
    return {"meta": meta, "overhead": decodes, "kills": {**kills, "delays_s": _quantiles(delays_s)}}


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "most": 1.0}
    return {name: round(percentile(values, share), 3) for name, share in shares.items()}


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/cluster/run.py", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("measure", "render"), default="measure")
    parser.add_argument("--speech", type=Path, action="append", default=[], help="a manifest of clips; may be repeated")
    parser.add_argument("--model", default="tiny.en", help="a name or a folder, English")
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--every", type=float, default=EVERY_S, help="seconds between two kills")
    parser.add_argument("--write", action="store_true", help="keep the results, and render the page")
    options = parser.parse_args()
    if options.what == "measure" and not options.speech:
        parser.error("to measure give --speech")
    return options
