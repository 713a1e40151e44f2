"""The examples run, and the pages that show them show what is tested."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from server.test_server import auricle

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "plugin" / "README.md", ROOT / "docs" / "livekit.md")
SHOWN = [
    pytest.param(path, code, id=f"{page.name} shows {path}")
    for page in PAGES
    for path, code in re.findall(
        r"<!-- (examples/\S+) -->\n```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL
    )
]
TESTS = re.findall(r"`(test_\w+)(?:\.py)?::(\w+)`", (ROOT / "docs" / "livekit.md").read_text(encoding="utf-8"))


def run_example(name: str, *arguments: str, url: str = "ws://127.0.0.1:9") -> str:
    command = [sys.executable, str(ROOT / "examples" / name), *arguments]
    finished = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=True, env={**os.environ, "AURICLE_URL": url}
    )
    return finished.stdout


def test_the_terminal_agent_prints_what_was_said_and_whose_turn_it_was() -> None:
    with auricle() as url:
        printed = run_example("livekit_terminal.py", str(ROOT / "examples" / "audio" / "hello.flac"), url=url)
    lines = printed.splitlines()
    assert "said: one two three four five" in lines
    assert any(line.startswith("turn: one two three") for line in lines)


def test_the_production_agent_starts() -> None:
    assert "dev" in run_example("livekit_agent.py", "--help")


@pytest.mark.parametrize(("path", "code"), SHOWN)
def test_a_page_shows_the_file_that_is_tested(path: str, code: str) -> None:
    assert code == (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize(("module", "name"), TESTS)
def test_every_row_of_the_table_names_a_test_there_is(module: str, name: str) -> None:
    source = (Path(__file__).parent / f"{module}.py").read_text(encoding="utf-8")
    assert re.search(rf"(def {name}\(|class {name}:)", source)


def test_there_is_something_to_check() -> None:
    assert len(SHOWN) >= 2
    assert len(TESTS) >= 10
