"""Environments of their own for servers that are compared, with pinned versions, below a folder that is kept."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MARK: Final = "installed.txt"
"""In an environment: what was installed into it, so that it is made once."""


class InstallError(Exception):
    """A server does not install here; the message is why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What is installed, as pip takes it."""

    whole: Sequence[str] = ()
    """With everything that they need."""
    bare: Sequence[str] = ()
    """Without: what they need to serve is in ``whole``."""

    @property
    def told(self) -> str:
        """One line for the mark."""
        return " ".join([*self.whole, "+", *self.bare])


def environment(folder: Path, requirements: Requirements) -> Path:
    """Make an environment, unless it is there; return its interpreter. Raises `InstallError`."""
    python, mark = folder / "bin" / "python", folder / MARK
    if mark.is_file() and mark.read_text(encoding="utf-8") == requirements.told:
        return python
    _run([sys.executable, "-m", "venv", "--clear", str(folder)])
    for names, options in ((requirements.whole, ()), (requirements.bare, ("--no-deps",))):
        if names:
            _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *options, *names])
    mark.write_text(requirements.told, encoding="utf-8")
    return python


def version(python: Path, distribution: str) -> str:
    """Return the version of a distribution in an environment. Raises `InstallError`."""
    script = f"from importlib.metadata import version; print(version({distribution!r}))"
    return _run([str(python), "-c", script]).strip()


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise InstallError(said[-1] if said else f"{Path(command[0]).name} ended with status {done.returncode}")
    return done.stdout
