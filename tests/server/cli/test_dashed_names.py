"""Recordings whose names begin with a dash: taken for options, and told so."""

import subprocess
import sys
from pathlib import Path

import pytest

from auricle.server.cli.dashed_names import hint_for


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-memo.wav").write_bytes(b"")
    (tmp_path / "memo.wav").write_bytes(b"")
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("arguments", [["-memo.wav"], ["transcribe", "memo.wav", "-f", "srt", "-memo.wav"]])
def test_a_file_that_is_taken_for_an_option_is_named(arguments: list[str]) -> None:
    assert hint_for(arguments) == "There is a file of the name -memo.wav: write ./-memo.wav where that is meant."


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "arguments", [[], ["-"], ["memo.wav", "--nothing"], ["-f", "srt"], ["--", "-memo.wav"], [f"--prompt={300 * 'x'}"]]
)
def test_nothing_is_said_of_other_arguments(arguments: list[str]) -> None:
    assert hint_for(arguments) is None


def test_the_command_line_says_it_below_its_error(folder: Path) -> None:
    command = [sys.executable, "-m", "auricle", "transcribe", "-memo.wav"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("There is a file of the name -memo.wav")
