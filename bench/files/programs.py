"""The programs that are compared, as their users call them, and what one run of each costs."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

OURS: Final = "auricle"
PLAIN: Final = "whisper-ctranslate2"
WITH_VAD: Final = "whisper-ctranslate2 with its voice detection"
PEERS: Final = (PLAIN, WITH_VAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one run took, its children included."""

    cpu_s: float
    """Processor seconds, of the user and of the system."""
    wall_s: float
    peak_bytes: int
    """Most memory that was resident, of the largest process."""


def commands(model: Path, peer: str, recording: Path, folder: Path) -> Mapping[str, tuple[list[str], Path]]:
    """Return for each program its command line, and the SRT file that it writes into ``folder``."""
    srt = folder / f"{recording.stem}.srt"
    theirs = [
        peer, str(recording), "--model_directory", str(model), "--language", "en", "--device", "cpu",
        "--compute_type", "int8", "--beam_size", "5", "--threads", str(len(os.sched_getaffinity(0))),
        "--verbose", "False", "--output_format", "srt", "--output_dir", str(folder), "--vad_filter",
    ]  # fmt: skip
    ours = [
        sys.executable, "-m", "auricle", "transcribe", str(recording), "--engine", "whisper", "--model", str(model),
        "--language", "en", "--device", "cpu", "--compute-type", "int8", "--format", "srt", "--output", str(srt),
        "--overwrite",
    ]  # fmt: skip
    return {OURS: (ours, srt), PLAIN: ([*theirs, "False"], srt), WITH_VAD: ([*theirs, "True"], srt)}


def run(command: Sequence[str]) -> Cost:
    """Run a program to its end and return what it cost. Raises `SystemExit` where it fails."""
    begin_s = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    _, status, used = os.wait4(process.pid, 0)
    wall_s = time.monotonic() - begin_s
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command[0]} ended with status {process.returncode}.")
    return Cost(cpu_s=used.ru_utime + used.ru_stime, wall_s=wall_s, peak_bytes=used.ru_maxrss * 1024)
