"""Render what operators get: the tables of ``docs/metrics.md``, and ``deploy/grafana/auricle.json``.

``python tools/render_operations.py`` writes, ``python tools/render_operations.py --check`` compares and writes nothing.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from operations import dashboard
from operations.metrics_tables import with_tables

ROOT: Final = Path(__file__).parents[1]
METRICS_PAGE: Final = "docs/metrics.md"
DASHBOARD: Final = "deploy/grafana/auricle.json"


def rendered(root: Path) -> Mapping[str, str]:
    """Return what each file should hold."""
    page = (root / METRICS_PAGE).read_text(encoding="utf-8")
    return {METRICS_PAGE: with_tables(page), DASHBOARD: dashboard.render()}


def stale(root: Path) -> list[str]:
    """Return the files that hold something else."""
    return [name for name, text in rendered(root).items() if (root / name).read_text(encoding="utf-8") != text]


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Do what the command line says; return the exit status."""
    parser = argparse.ArgumentParser(description="Render the tables of metrics and the dashboard.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file is stale")
    if parser.parse_args(arguments).check:
        old = stale(root)
        print("\n".join(f"{name} is stale: run tools/render_operations.py" for name in old), file=sys.stderr)
        return int(bool(old))
    for name, text in rendered(root).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
