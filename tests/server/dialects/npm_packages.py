"""The official clients for Node.js, from npm: installed once into pytest's cache, and kept there."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CLIENTS = Path(__file__).parent / "clients"
INSTALL_S = 120
RUN_S = 60


def installed(folder: Path, *packages: str) -> Path:
    """Return a folder in which these packages (``name@version``) can be imported; skips where npm cannot have them."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node.js and npm are not installed")
    done = folder / "installed"
    if not done.exists() or done.read_text(encoding="utf-8") != " ".join(packages):
        (folder / "package.json").write_text('{"private":true,"type":"module"}', encoding="utf-8")
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), *packages]
        try:
            result = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm has not installed {' '.join(packages)} in {INSTALL_S} s")
        if result.returncode:
            pytest.skip(f"npm cannot install {' '.join(packages)}: {result.stderr[-300:]}")
        done.write_text(" ".join(packages), encoding="utf-8")
    return folder


def cached(config: pytest.Config, name: str, *packages: str) -> Path:
    """Return the folder of this name in pytest's cache, with these packages; skips as `installed` does."""
    if config.cache is None:
        pytest.skip("pytest runs without its cache, where the packages would be kept")
    return installed(config.cache.mkdir(name), *packages)


def run_client(folder: Path, program: Path, *arguments: str, **environment: str) -> str:
    """Run a client in a folder with its packages; return what it prints."""
    script = shutil.copy(program, folder)
    result = subprocess.run(
        ["node", script, *arguments], capture_output=True, text=True, timeout=RUN_S, check=False, cwd=folder,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout
