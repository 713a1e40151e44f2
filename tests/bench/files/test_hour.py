"""The bench of files: the recording it makes, what it reads from subtitles, and its page."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from clips import Clip
from files import command as files_command
from files.page import page
from files.programs import OURS, PEERS, commands, run
from files.subtitles import norm, text_of
from files.tape import PAUSE_S, tape, write_m4a
from words.samples import Sample

from auricle.engines.protocol import ENGINE_RATE
from auricle.server.recordings.recording import Recording

SUBTITLES = """1
00:00:01,000 --> 00:00:02,000
Twelve chars, and these are the
twenty more of it.

2
00:00:02,050 --> 00:00:02,500
One.

3
01:00:03,000 --> 01:00:05,000
The end of it
"""


def sample(name: str, seconds: float) -> Sample:
    audio = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * ENGINE_RATE)) / ENGINE_RATE).astype(np.float32)
    clip = Clip(name=name, samples=audio, text=name, words=())
    return Sample(clip=clip, kind="utterance", language="en", has_reference=True)


def test_the_tape_holds_all_clips_before_any_comes_again_and_a_short_one_is_its_beginning() -> None:
    spoken = [sample(name, 1.0) for name in "abcde"]
    hour = [each.name for each in tape(spoken, 30.0)]
    assert len(hour) == 19, "1.6 s each, with its pause"
    assert sorted(hour[:5]) == sorted(hour[5:10]) == list("abcde")
    assert hour[:5] != hour[5:10]
    assert [each.name for each in tape(spoken, 8.0)] == hour[:5]


def test_the_recording_lasts_as_long_as_its_clips(tmp_path: Path) -> None:
    spoken = [sample("a", 1.0), sample("b", 0.5)]
    write_m4a(tmp_path / "it.m4a", spoken)
    with Recording.open(tmp_path / "it.m4a") as recording:
        heard = np.frombuffer(b"".join(recording.chunks()), "<i2")
    assert len(heard) / ENGINE_RATE == pytest.approx(1.5 + 2 * PAUSE_S, abs=0.1)
    assert np.abs(heard[: ENGINE_RATE // 2].astype(int)).max() > 10_000
    assert np.abs(heard[round(1.1 * ENGINE_RATE) : round(1.5 * ENGINE_RATE)].astype(int)).max() < 1_000


def test_subtitles_are_read_and_held_to_the_norm() -> None:
    assert text_of(SUBTITLES) == "Twelve chars, and these are the twenty more of it. One. The end of it"
    kept = norm(SUBTITLES)
    assert (kept["cues"], kept["lines"], kept["longest_line"]) == (3, 4, 31)
    assert kept["fastest"] == 50.0, "fifty characters in a second"
    assert (kept["too_fast"], kept["over_target"]) == (1, 1)
    assert (kept["shortest_s"], kept["too_short"]) == (0.45, 1)
    assert (kept["least_gap_s"], kept["gaps_too_short"]) == (0.05, 1)
    assert (kept["weak_ends"], kept["one_word"]) == (1, 1)


def test_what_a_program_costs_is_that_of_its_children_too() -> None:
    burn = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"
    cost = run([sys.executable, "-c", child])
    assert cost.cpu_s >= 0.3
    assert cost.peak_bytes > 1e6
    with pytest.raises(SystemExit, match="ended with status 3"):
        run([sys.executable, "-c", "raise SystemExit(3)"])


def test_all_hear_the_same_file_with_the_same_weights(tmp_path: Path) -> None:
    made = commands(Path("/weights"), "peer", tmp_path / "hour.m4a", tmp_path)
    assert list(made) == [OURS, *PEERS]
    for command, srt in made.values():
        assert {"/weights", str(tmp_path / "hour.m4a"), "int8", "en"} <= set(command)
        assert srt == tmp_path / "hour.srt"


def test_the_page_stands_each_program_beside_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cost = {"cpu_s": 100.0, "wall_s": 60.0, "peak_bytes": 4e8}
    one = {
        "cost": cost,
        "cost_10_min": cost,
        "errors": {"rate": 0.05, "substitutions": 3, "deletions": 2, "insertions": 1},
        "subtitles": norm(SUBTITLES),
    }
    other = {**one, "cost": {**cost, "cpu_s": 150.0, "wall_s": 180.0}}
    meta = {
        "model": "tiny.en", "date": "2026-11-29", "command": "python run.py", "audio_s": 3600.0, "words": 9000,
        "cpu": "a processor", "cores": 2, "load_before": 0.1, "python": "3.11", "libraries": {"numpy": "2"},
        "peer": "peer 1.0",
    }  # fmt: skip
    results = {"meta": meta, "programs": {OURS: one, "peer": other}}
    (tmp_path / "tiny.en.json").write_text(json.dumps(results))
    monkeypatch.setattr(files_command, "RESULTS", tmp_path)
    monkeypatch.setattr(files_command, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(sys, "argv", ["run.py", "render"])
    assert files_command.main() == 0
    text = (tmp_path / "page.md").read_text()
    assert text == page([results])
    assert "| auricle | 5.0% | 3/2/1 | 100 s | 1.00 | 60 s | 1.00 | 60.0 | 400 MB | 400 MB |" in text
    assert "| peer | 5.0% | 3/2/1 | 150 s | 1.50 | 180 s | 3.00 | 20.0 | 400 MB | 400 MB |" in text
