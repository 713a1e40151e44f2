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


CLIENTS = ["examples/transcribe_trio.py", "examples/transcribe_asyncio.py"]


def test_there_is_an_example_of_each_kind() -> None:
    assert [path for path, _ in EXAMPLES] == ["examples/transcribe.py", *CLIENTS, "examples/livekit_agent.py"]


@pytest.mark.parametrize(("path", "shown"), EXAMPLES)
def test_the_readme_shows_the_file_that_is_tested(path: str, shown: str) -> None:
    assert shown == (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", CLIENTS)
def test_the_example_ends_in_one_sentence_where_there_is_no_server(path: str) -> None:
    command = [sys.executable, str(ROOT / path), str(RECORDING), "ws://127.0.0.1:1"]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert finished.returncode == 1
    (sentence,) = finished.stderr.splitlines()
    assert "no server listens there: start it with `auricle serve`" in sentence


def test_the_plain_call_prints_the_words_and_their_times() -> None:
    command = [sys.executable, str(ROOT / "examples" / "transcribe.py"), str(RECORDING), "pebble-en"]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()
    assert re.fullmatch(r"\d+ words, the first of them: \S+", printed[-1])
    assert re.match(r" +\d+\.\d\d +\d+\.\d\d +\d+%  ", printed[1])


@pytest.mark.parametrize("path", CLIENTS)
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


@pytest.mark.parametrize("picture", re.findall(r"docs/images/[\w-]+\.png", README))
def test_pictures_are_small(picture: str) -> None:
    assert (ROOT / picture).stat().st_size < 200_000


def test_nothing_is_promised_to_be_on_an_index() -> None:
    assert not re.findall(r"pip install (?:-q )?'?(?:auricle|livekit-plugins-auricle)", README)


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", README))
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


def test_ci_runs_what_the_readme_tells_a_contributor_to_run() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for step in ("-m venv", "-e '.[dev]' -e plugin", "-m pytest -q"):
        assert step in README
        assert step in script
