"""Runs LiveKit's ``test_stt.py`` on one recording, and reads what it says."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

import soundfile
from words.samples import Sample

CONFTEST: Final = Path(__file__).parent / "conftest_for_theirs.py"
PATIENCE_S: Final = 600.0
TESTS: Final = ("test_recognize", "test_stream")


class Verdict(NamedTuple):
    """What one of the two tests said. ``wer`` is by its own measure, which keeps punctuation; None: it said none."""

    test: str
    passed: bool
    wer: float | None
    output: str


def run(tests: Path, sample: Sample, url: str) -> list[Verdict]:
    """Run both tests, as they are in the folder ``tests``, against the server at ``url``."""
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder) / "tests"
        shutil.copytree(tests / "utils", there / "utils")
        shutil.copy(tests / "test_stt.py", there)
        (there / "__init__.py").touch()
        shutil.copy(CONFTEST, there / "conftest.py")
        # Whatever its name says, FFmpeg looks at what is in it.
        soundfile.write(there / "long.mp3", sample.clip.samples, 16_000, format="FLAC")
        (there / "long_transcript.txt").write_text(sample.clip.text, encoding="utf-8")
        return _run(Path(folder), url)


def _run(folder: Path, url: str) -> list[Verdict]:
    command = [sys.executable, "-m", "pytest", "-rA", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    finished = subprocess.run(
        [*command, *(f"tests/test_stt.py::{test}" for test in TESTS), "-k", "auricle"], cwd=folder,
        env={**os.environ, "AURICLE_URL": url}, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    return [_verdict(test, finished.stdout, finished.stderr) for test in TESTS]


def _verdict(test: str, printed: str, errors: str) -> Verdict:
    """Return what pytest's report says of a test: its line in the summary, and its section."""
    passed = re.search(rf"^PASSED \S+::{test}\[", printed, re.MULTILINE) is not None
    parts = re.split(r"^_+ (test_\w+)\[\S+ _+$", printed, flags=re.MULTILINE)
    section = "".join(text for name, text in zip(parts[1::2], parts[2::2], strict=True) if name == test)
    told = re.findall(r"^WER: ([\d.]+) for", section, re.MULTILINE)
    return Verdict(test, passed, float(told[-1]) if told else None, printed + errors)
