"""docs/testing.md keeps its word: each of its tests runs in a project of its own, beside a program that is not ours."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"<!-- (\S+) -->\n```python\n(.*?)```", TEXT, re.DOTALL))
MY_VIEW = """
import json


class MyView:
    def __init__(self):
        self.covered = 0

    def hear(self, frame):
        try:
            message = json.loads(frame)
        except (ValueError, RecursionError):
            return
        {guard}
        if message.get("type") == "final" and isinstance(message.get("audio"), list) and len(message["audio"]) == 2:
            begin, end = message["audio"]
            if isinstance(begin, int) and isinstance(end, int):
                self.covered = max(self.covered, end)
"""
CAREFUL, CARELESS = "if not isinstance(message, dict): return", "pass"


def run_project(folder: Path, block: str, view: str = "") -> "subprocess.CompletedProcess[str]":
    (folder / "test_mine.py").write_text(BLOCKS[block], encoding="utf-8")
    (folder / "my_view.py").write_text(view, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    same = ("--hypothesis-seed=0", "--hypothesis-profile=default")  # examples each time, also where CI is set
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *same, "test_mine.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("block", ["strategies", "scenario", "drawn", "rule"])
def test_a_test_of_the_page_passes(block: str, tmp_path: Path) -> None:
    result = run_project(tmp_path, block, MY_VIEW.format(guard=CAREFUL))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 passed" in result.stdout


def test_it_finds_what_a_program_has_not_thought_of(tmp_path: Path) -> None:
    result = run_project(tmp_path, "strategies", MY_VIEW.format(guard=CARELESS))
    assert result.returncode == 1
    assert "AttributeError" in result.stdout


def test_the_first_of_them_has_ten_lines() -> None:
    assert len([line for line in BLOCKS["strategies"].splitlines() if line]) == 10
