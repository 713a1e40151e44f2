"""The Pipecat service, and Pipecat's own services against ours, on the oldest release that is allowed and the newest.

Pipecat is not among the development requirements: it brings half a gigabyte, most of it compilers, and asks for other
versions of libraries that everything else here is tested with. What these tests need of it fits into a folder, which is
made anew: AURICLE_INSTALL=1.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NEEDED = ("loguru", "loudness", "pillow", "sentencex", "wait_for2")
"""What the services import that is not here anyway."""
OURS = ("tests/pipecat_plugin",)
FRAMEWORK = ("tests/pipecat_plugin/test_service.py", "tests/pipecat_plugin/test_settings.py")
"""What depends on the framework most."""
THEIRS = (
    "tests/server/dialects/test_deepgram_pipecat.py",
    "tests/server/dialects/test_openai_pipecat.py",
    "tests/server/uploads/test_pipecat_recognize.py",
)
PATIENCE_S = 600

pytestmark = pytest.mark.skipif(
    "AURICLE_INSTALL" not in os.environ, reason="it downloads releases of Pipecat: AURICLE_INSTALL=1"
)


def oldest() -> str:
    """The lower bound of the service's own requirement."""
    page = (ROOT / "plugin" / "pipecat-auricle" / "pyproject.toml").read_text(encoding="utf-8")
    (bound,) = re.findall(r'"pipecat-ai>=([\d.]+)"', page)
    return f"pipecat-ai=={bound}.0"


@pytest.mark.parametrize(
    ("asked", "paths"), [(oldest(), FRAMEWORK), ("pipecat-ai", (*OURS, *THEIRS))], ids=["oldest", "newest"]
)
def test_the_tests_pass(tmp_path: Path, asked: str, paths: tuple[str, ...]) -> None:
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(tmp_path), asked, *NEEDED]
    subprocess.run(install, check=True, timeout=PATIENCE_S)
    path = os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=PATIENCE_S,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout[-5000:]
    assert " skipped" not in finished.stdout.splitlines()[-1], finished.stdout[-1000:]
