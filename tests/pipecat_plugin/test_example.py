"""The example runs, and the pages that show code show what there is."""

import inspect
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from server.test_server import auricle

from pipecat_auricle import AuricleSTTService, AuricleSTTSettings

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "plugin" / "pipecat-auricle"
TESTS = re.findall(r"`(test_\w+\.py)::(\w+)`", (ROOT / "docs" / "pipecat.md").read_text(encoding="utf-8"))
TOLD_ELSEWHERE = {"connector", "ttfs_p99_latency", "kwargs"}
"""What few need: the docstring has it."""


def test_the_terminal_prints_what_is_said_and_whose_turn_it_was() -> None:
    with auricle() as url:
        path = os.pathsep.join((str(PLUGIN), os.environ.get("PYTHONPATH", "")))
        environment = {**os.environ, "AURICLE_URL": url, "PYTHONPATH": path}
        finished = subprocess.run(
            [sys.executable, "examples/pipecat_terminal.py", "examples/audio/hello.flac"], cwd=ROOT,
            capture_output=True, text=True, timeout=60, check=False, env=environment,
        )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    lines = finished.stdout.splitlines()
    said = [line.partition(": ")[2] for line in lines if line.startswith(("said:", "turn:"))]
    assert " ".join(said).startswith("one two three four five")
    assert any(line.startswith(" ...: ") for line in lines)
    assert any("after the end of speech" in line for line in lines)


@pytest.mark.parametrize(("module", "name"), TESTS)
def test_every_row_of_the_table_names_a_test_there_is(module: str, name: str) -> None:
    assert f"def {name}(" in (Path(__file__).parent / module).read_text(encoding="utf-8")


def test_the_readme_names_every_option() -> None:
    shown = (PLUGIN / "README.md").read_text(encoding="utf-8")
    options = {name for name in inspect.signature(AuricleSTTService).parameters if name not in TOLD_ELSEWHERE}
    settings = {field.name for field in fields(AuricleSTTSettings)} - {"extra"}
    assert {name for name in options | settings if f"{name}=" not in shown} == set()
