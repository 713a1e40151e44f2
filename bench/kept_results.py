"""Results that a bench keeps, one file a model, and the page that is made of all that are kept."""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any


def read_all(folder: Path) -> list[dict[str, Any]]:
    """Return all results that are kept in a folder."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def measure_or_render(
    options: argparse.Namespace,
    measured: Iterator[Mapping[str, Any]],
    folder: Path,
    page: Path,
    told: Callable[[Sequence[Mapping[str, Any]]], str],
) -> None:
    """Do what ``options.action`` says, and write the page where it is ``render`` or ``options.write`` is set.

    ``measured`` yields the results so far, after each program that takes its time, and is not begun for ``render``.
    They are kept in ``folder`` by the name of ``options.model`` where ``options.write`` is set. ``told`` makes the page
    of results.
    """
    if options.action == "measure":
        results: Mapping[str, Any] = {}
        for results in measured:
            if options.write:  # each time: what is measured next may take long, or fail
                folder.mkdir(exist_ok=True)
                (folder / f"{options.model}.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        print(told([results]))
    if options.write or options.action == "render":
        page.write_text(told(read_all(folder)), encoding="utf-8")
