"""The README keeps its word: its examples are the files in examples/, and they run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from server.test_server import auricle

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"<!-- (examples/\S+) -->\n```python\n(.*?)```", README, re.DOTALL)
RECORDING = ROOT / "examples" / "audio" / "hello.flac"


def run_example(path: str, url: str) -> list[str]:
    command = [sys.executable, str(ROOT / path), str(RECORDING), url]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return finished.stdout.splitlines()


def test_there_is_an_example_for_either_world() -> None:
    assert [path for path, _ in EXAMPLES] == ["examples/transcribe_trio.py", "examples/transcribe_asyncio.py"]


@pytest.mark.parametrize(("path", "shown"), EXAMPLES)
def test_the_readme_shows_the_file_that_is_tested(path: str, shown: str) -> None:
    assert shown == (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [path for path, _ in EXAMPLES])
def test_the_example_prints_the_words_and_that_they_are_complete(path: str) -> None:
    with auricle() as url:
        printed = run_example(path, url)
    assert printed == ["one two three four five", "six seven eight nine ten", "Every sample is accounted for."]


def test_the_old_client_gets_its_finals_and_its_close() -> None:
    with auricle() as url:
        ready, *finals, closed = run_example("examples/legacy_client.py", url.replace("ws://", "http://"))
    assert '"type": "ready"' in ready
    assert len(finals) == 2
    assert "one two three four five" in finals[0]
    assert closed == "closed with 1000"


def test_the_demonstration_without_a_download_says_what_was_said() -> None:
    (arguments,) = re.findall(r"bin/auricle (transcribe --model pebble-en \S+)", README)
    command = [sys.executable, "-c", "from auricle.server.cli.entry import main; main()", *arguments.split()]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    finished = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert finished.stdout.strip() == "we need forty degrees and the fifth coffee"


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", README))
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


def test_ci_runs_what_the_readme_tells_a_contributor_to_run() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for step in ("-m venv", "-e '.[dev]'", "-m pytest -q"):
        assert step in README
        assert step in script
