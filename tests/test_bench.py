"""The benchmark of the core still runs, and its verdicts can be read from its exit code."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_one_command_measures_both_roles_and_holds_the_memory_bar() -> None:
    command = [sys.executable, str(ROOT / "bench" / "core" / "run.py"), "--rounds", "1"]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert finished.stderr == ""
    # Microseconds are not judged here: one round on a busy machine says little. Bytes are the same everywhere.
    for party in ("client", "server"):
        assert f"- held: {party}: an idle session" in finished.stdout
        assert re.search(rf"{party}: an audio frame costs \d+\.\d µs \(bar: 20 µs\)", finished.stdout)
    assert finished.returncode == ("NOT HELD" in finished.stdout)
