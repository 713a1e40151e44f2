"""The linters of ``deploy/``: those of the extra ``audit``, beside the interpreter, and those of the system."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
DRAIN_S: Final = 60.0
"""Default of `ServerConfig.drain_timeout_s`, which a test holds."""


def lint(program: str, *arguments: str | Path, where: str = "pip install -e '.[audit]'") -> str:
    """Run a linter and return what it says; the test is skipped where it is not installed."""
    beside = Path(sys.executable).parent / program
    found = str(beside) if beside.exists() else shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed: {where}")
    finished = subprocess.run([found, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT, check=False)
    said = finished.stdout + finished.stderr
    assert finished.returncode == 0, said
    return said
