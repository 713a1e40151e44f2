"""Lock what the container is made of: ``python tools/lock_requirements.py`` writes ``deploy/requirements/``.

Each file has exact versions with the hashes of all their wheels, resolved by uv from the extras in ``pyproject.toml``.
A version that is locked already stays, unless ``--upgrade`` is given.
"""

import argparse
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "deploy" / "requirements"
PYTHON: Final = "3.12"
"""That of the image."""
EXTRAS: Final[Mapping[str, tuple[str, ...]]] = {"cpu": ("server", "tiny-en"), "cuda": ("server", "tiny-en", "cuda")}
"""The extras of each variant of the image."""


def command(variant: str, output: Path) -> list[str]:
    """Return the command of uv that locks a variant; of ``build``, which builds our wheel, it reads standard input."""
    source = ["-"] if variant == "build" else ["pyproject.toml", *(f"--extra={extra}" for extra in EXTRAS[variant])]
    return [
        "uv", "pip", "compile", "--quiet", *source, f"--output-file={output}", f"--python-version={PYTHON}",
        "--python-platform=linux", "--generate-hashes", "--no-annotate", "--no-emit-package=auricle",
        "--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command=python tools/lock_requirements.py",
    ]  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says; return the exit status."""
    parser = argparse.ArgumentParser(description="Lock the requirements of the container, with hashes.")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that there are")
    more = ["--upgrade"] if parser.parse_args(arguments).upgrade else []
    for variant in ("build", *EXTRAS):
        output = FOLDER / f"{variant}.txt"
        subprocess.run([*command(variant, output), *more], cwd=ROOT, input="hatchling\n", text=True, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
