"""What the README says about installing, done as it says: fresh environments, its own lines, and its examples in them.

This makes environments and fills them from an index, which takes minutes, so that it is asked for: AURICLE_INSTALL=1,
as `.ci/run` does.
"""

import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from server.test_server import auricle

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RECORDING = "examples/audio/hello.flac"
PATIENCE_S = 600

pytestmark = pytest.mark.skipif(
    "AURICLE_INSTALL" not in os.environ, reason="it makes fresh environments, which takes minutes: AURICLE_INSTALL=1"
)


def run(line: str, environment: Path, *more: str) -> str:
    """Run a line of the README in the checkout, with another folder for its ``.venv``; return what it printed."""
    words = [word.replace(".venv", str(environment), 1) for word in shlex.split(line)]
    finished = subprocess.run(
        [*words, *more], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True, timeout=PATIENCE_S)
    return tmp_path / "venv"


def test_the_first_command_and_the_plain_call(environment: Path) -> None:
    (command,) = re.findall(
        r"^python3 -m venv \.venv && (\S+pip install .*) && (\S+ transcribe .*)$", README, re.MULTILINE
    )
    install, transcribe = command
    run(install, environment)
    assert "welcome to the meeting" in run(transcribe, environment)
    (plain,) = re.findall(r"^\.venv/bin/python examples/transcribe\.py .*$", README, re.MULTILINE)
    assert "11 words" in run(plain, environment)


def test_the_wheel_has_no_model_and_the_models_own_wheel_has_it(environment: Path, tmp_path: Path) -> None:
    model = "engines/auricle/engines/whisper/models/pebble-en"
    for place in (".", f"./{model}"):
        run(f".venv/bin/pip wheel -q --no-deps --wheel-dir {tmp_path}/wheels {place}", environment)
    ours, of_the_model = sorted((tmp_path / "wheels").glob("*.whl"))
    names = {wheel: zipfile.ZipFile(wheel).namelist() for wheel in (ours, of_the_model)}
    assert not [name for name in names[ours] if "pebble" in name or name.endswith(".bin")]
    run(f".venv/bin/pip install -q {ours} {of_the_model}", environment)
    (package,) = environment.glob("lib/python3*/site-packages/auricle")
    installed = package / "engines" / "whisper" / "models" / "pebble-en"
    kept = {path.name: path.read_bytes() for path in (ROOT / model).iterdir() if path.name != "pyproject.toml"}
    assert {path.name: path.read_bytes() for path in installed.iterdir()} == kept


@pytest.mark.parametrize("loop", ["trio", "asyncio"])
def test_a_client_alone(environment: Path, loop: str) -> None:
    example = rf"^\.venv/bin/python examples/transcribe_{loop}\.py {re.escape(RECORDING)}$"
    ((install, command),) = re.findall(rf"^(\.venv/bin/pip install .*)\n({example[1:-1]})$", README, re.MULTILINE)
    run(install, environment)
    with auricle() as url:
        assert run(command, environment, url).endswith("Every sample is accounted for.\n")
    core_alone = f"{environment}/bin/python -c 'import auricle; auricle.transcribe'"
    with pytest.raises(AssertionError, match="its extra `server`"):
        run(core_alone, environment)
