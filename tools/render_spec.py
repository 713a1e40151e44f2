"""Render the specification of the protocol into ``docs/``, or check that what is there is what the core says.

``python tools/render_spec.py`` writes, ``python tools/render_spec.py --check`` compares and writes nothing.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from spec import asyncapi, diagram, document, json_schema, model, transitions
from spec.source import SpecError

from auricle.core.states import Role

DOCS: Final = Path(__file__).parents[1] / "docs"
DOCUMENTS: Final[Mapping[str, Callable[[], str]]] = {
    "protocol.md": document.render,
    "protocol.json": json_schema.render,
    "asyncapi.yaml": asyncapi.render,
    "protocol-client.svg": lambda: diagram.render(transitions.states(Role.CLIENT)),
    "protocol-server.svg": lambda: diagram.render(transitions.states(Role.SERVER)),
    "protocol-client-connection.svg": lambda: diagram.render(transitions.attachments(Role.CLIENT)),
    "protocol-server-connection.svg": lambda: diagram.render(transitions.attachments(Role.SERVER)),
}


def rendered() -> dict[str, str]:
    """Return every document by its name. Raises `SpecError` where one cannot be rendered."""
    model.check_written()
    return {name: render() for name, render in DOCUMENTS.items()}


def stale(folder: Path) -> list[str]:
    """Return the names of the documents in ``folder`` that are not what the core says."""
    return [name for name, text in rendered().items() if _read(folder / name) != text]


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def main(arguments: Sequence[str], folder: Path = DOCS) -> int:
    """Do what the command line says; return the exit status."""
    parser = argparse.ArgumentParser(description="Render the specification of the protocol into docs/.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a document is stale")
    try:
        if parser.parse_args(arguments).check:
            return _complain(stale(folder))
        for name, text in rendered().items():
            (folder / name).write_text(text, encoding="utf-8")
    except SpecError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _complain(names: Sequence[str]) -> int:
    if not names:
        return 0
    files = ", ".join(f"docs/{name}" for name in names)
    print(f"Not what the core says any more: {files}; run 'python tools/render_spec.py'.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
