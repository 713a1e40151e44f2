"""The closing line tells of the public suite alone, and skips that mean something stay in it."""

import os
import subprocess
import sys
from pathlib import Path

CONFTEST = """
from private_folders import NotCounted


def pytest_configure(config):
    config.pluginmanager.register(NotCounted())
"""
TESTS = """
import private_folders
import pytest


@pytest.fixture
def recordings():
    return private_folders.private("a folder that nobody has")


def test_public():
    pass


def test_private(recordings):
    raise AssertionError("it was run")


def test_private_too():
    private_folders.private("a folder that nobody has")
"""
OTHER_SKIP = """

def test_without_a_browser():
    pytest.skip("Chromium is not installed")
"""


def closing_lines(folder: Path, tests: str) -> list[str]:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_it.py").write_text(tests)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-ra",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(folder),
        str(folder),
    ]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "PYTHONWARNINGS": ""}
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stdout
    return finished.stdout.splitlines()[-3:]


def test_what_needs_a_private_folder_is_not_counted_and_told_once(tmp_path: Path) -> None:
    *_, told, closing = closing_lines(tmp_path, TESTS)
    assert closing.startswith("1 passed in ")
    assert told == "2 more tests need recordings that cannot be part of the repository; they were not run."


def test_any_other_skip_is_counted(tmp_path: Path) -> None:
    assert closing_lines(tmp_path, TESTS + OTHER_SKIP)[-1].startswith("1 passed, 1 skipped in ")
