"""The plugin's tests on other releases of the framework: the oldest that is allowed, and the newest of all.

The release that is installed here, the newest stable one in a fresh environment, has them anyway. This downloads two
more, without their dependencies, which are those that are here, and takes minutes: AURICLE_INSTALL=1.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = ("agent_session", "end_of_input", "events", "options", "outages", "package", "stream")
PATIENCE_S = 600

pytestmark = pytest.mark.skipif(
    "AURICLE_INSTALL" not in os.environ, reason="it downloads releases of LiveKit Agents: AURICLE_INSTALL=1"
)


def oldest() -> str:
    """The lower bound of the plugin's own requirement."""
    (bound,) = re.findall(r'"livekit-agents>=([\d.]+)"', (ROOT / "plugin" / "pyproject.toml").read_text())
    return f"livekit-agents=={bound}.*" if bound.count(".") < 2 else f"livekit-agents=={bound}"


@pytest.mark.parametrize("asked", [[oldest()], ["--pre", "livekit-agents"]], ids=["oldest", "newest"])
def test_the_plugins_tests_pass(tmp_path: Path, asked: list[str]) -> None:
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(tmp_path), *asked]
    subprocess.run(install, check=True, timeout=PATIENCE_S)
    paths = [str(ROOT / "tests" / "livekit_plugin" / f"test_{name}.py") for name in TESTS]
    path = os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))
    found = subprocess.run(
        [sys.executable, "-c", "import livekit.agents as it; print(it.__file__)"],
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True, timeout=PATIENCE_S,
    )  # fmt: skip
    assert found.stdout.startswith(str(tmp_path)), "the release under test is the one that is imported"
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=PATIENCE_S,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout[-5000:]
