"""The official clients for Node.js, from npm: installed once into pytest's cache, and kept there."""

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

CLIENTS = Path(__file__).parent / "clients"
INSTALL_S = 120
RUN_S = 60


def cached(config: pytest.Config, name: str, *packages: str) -> Path:
    """Return a folder of pytest's cache in which these packages (``name@version``) can be imported.

    Skips where npm cannot have them. Several processes may ask at once: each installs, and the first one's stays.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node.js and npm are not installed")
    if config.cache is None:
        pytest.skip("pytest runs without its cache, where the packages would be kept")
    kept = config.cache.mkdir(name)
    folder = kept / "+".join(packages).replace("/", "_")
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=kept) as made:
            _install(npm, Path(made, "new"), packages)
            with suppress(OSError):  # another process was first
                Path(made, "new").rename(folder)
    return folder


def _install(npm: str, folder: Path, packages: tuple[str, ...]) -> None:
    folder.mkdir()
    (folder / "package.json").write_text('{"private":true,"type":"module"}', encoding="utf-8")
    command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), *packages]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm has not installed {' '.join(packages)} in {INSTALL_S} s")
    if result.returncode:
        pytest.skip(f"npm cannot install {' '.join(packages)}: {result.stderr[-300:]}")


def run_client(folder: Path, program: Path, *arguments: str, **environment: str) -> str:
    """Run a client in a folder with its packages; return what it prints."""
    script = shutil.copy(program, folder / f"{os.getpid()}-{program.name}")  # beside the packages that it imports
    result = subprocess.run(
        ["node", script, *arguments], capture_output=True, text=True, timeout=RUN_S, check=False, cwd=folder,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout
