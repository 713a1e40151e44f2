"""Render the pages of ``docs/reference/`` that are made from the code, or check that they are what the code says.

``python tools/render_reference.py`` writes, ``python tools/render_reference.py --check`` compares and writes nothing.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from reference import commands, endpoints, exit_codes

FOLDER: Final = Path(__file__).parents[1] / "docs" / "reference"
PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "command-line.md": commands.render,
    "endpoints.md": endpoints.render,
    "exit-codes.md": exit_codes.render,
}


def stale(folder: Path = FOLDER) -> list[str]:
    """Return the names of the pages in ``folder`` that are not what the code says. Raises `LookupError`."""
    return [name for name, render in PAGES.items() if _read(folder / name) != render()]


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def main(arguments: Sequence[str], folder: Path = FOLDER) -> int:
    """Do what the command line says; return the exit status."""
    parser = argparse.ArgumentParser(description="Render the reference of commands, endpoints and exit codes.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a page is stale")
    only_check = parser.parse_args(arguments).check
    try:
        old = stale(folder)
        for name in () if only_check else old:
            (folder / name).write_text(PAGES[name](), encoding="utf-8")
    except LookupError as error:
        print(f"The reference cannot be made: {error}.", file=sys.stderr)
        return 1
    if only_check and old:
        print(f"Stale: {', '.join(old)}; run 'python tools/render_reference.py'.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
