"""Verdicts and the results page, from results that are made up."""

import copy
import json
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import run
from bars import Verdict, saturated, verdicts
from batches import NOT_YET, batch_lines
from machine import ROOT, command
from page import page
from tables import section

SPREAD = {"n": 50, "p50": 0.1, "p95": 0.3, "most": 0.4}


def one_session(**changes: Any) -> dict[str, Any]:
    return {
        "cpu_s": 1.0,
        "cpu_over_short": 3.5,
        "cpu_over_short_hurried": 3.9,
        "cpu_over_padded": 1.9,
        "cpu_per_audio_s": 0.05,
        "after_speech_s": SPREAD,
        "after_endpoint_s": SPREAD,
        "after_endpoint_over_decode": {**SPREAD, "p95": 0.9},
        "endpoint_after_speech_s": SPREAD,
        "update_gap_s": SPREAD,
        "commit_s": SPREAD,
        "commit_over_interval": SPREAD,
        "promised_early": 0.5,
        "instability": 0.25,
        "wer": 0.031,
        "finals": 9,
        "partials": 40,
    } | changes


def trial(sessions: int, *, held: bool) -> dict[str, Any]:
    return {
        "sessions": sessions,
        "held": held,
        "complete": True,
        "wer": 0.03,
        "offline_wer": 0.03,
        "after_speech_s": SPREAD,
        "unfairness": 1.5,
        "update_gap_s": SPREAD,
        "cores": 1.2,
        "late_s": 0.003,
        "unheard_words": 4,
    }


def results() -> dict[str, Any]:
    return {
        "kind": "streaming",
        "meta": {
            "model": "made-up",
            "model_mb": 7.5,
            "device": "cpu",
            "quick": False,
            "isolation": "thread",
            "date": "2026-01-02",
            "command": "python bench/streaming/run.py",
            "cpu": "a CPU",
            "cores": 2,
            "load_before": 0.1,
            "system": "Linux",
            "python": "3.11",
            "libraries": {"numpy": "2"},
            "silence_s": 0.2,
            "interval_s": 0.5,
            "frame_s": 0.04,
        },
        "measures": {
            "offline": {
                "clips": 3,
                "audio_s": 30.0,
                "short": {"cpu_per_audio_s": 0.01, "decode_s": SPREAD, "wer": 0.02},
                "padded": {"cpu_per_audio_s": 0.1, "decode_s": SPREAD, "wer": 0.03},
            },
            "solo": {
                "silence_s": 0.2,
                "speech_s": 30.0,
                "tape_s": 40.0,
                "offline": {"short_cpu_s": 0.3, "padded_cpu_s": 3.0, "wer": 0.03},
                "ours": one_session(),
                "naive": one_session(cpu_over_short=30.0),
                "ours_cpu_over_naive": 0.117,
            },
            "ending": {"complete": True, "after_end_input_s": SPREAD, "after_end_input_over_decode": SPREAD},
            "instability": {"changed_words": 60, "final_words": 50, "instability": 1.2},
            "words": {
                "words": 300,
                "sessions": 4,
                "silence_s": 0.5,
                "wer": 0.021,
                "offline_wer": 0.02,
                "padded_wer": 0.03,
                "wer_over_offline": 1.05,
                "after_speech_s": SPREAD,
            },
            "capacity": {
                "bar_s": 1.0,
                "naive": {"held": 1, "broke": 2, "most": 8, "trials": [trial(1, held=True), trial(2, held=False)]},
                "ours": {"held": 20, "broke": 22, "most": 128, "trials": [trial(20, held=True), trial(22, held=False)]},
                "overload": trial(60, held=False) | {"words": 900, "words_missing": 0, "unheard_alone": 4},
            },
            "padding": {"pads": [{"pad_s": pad, "wer": 0.1, "cpu_per_audio_s": 0.01} for pad in (0.16, 1.3, 26.0)]},
            "nonspeech": {
                "seconds": 600,
                "idle": {"sessions": 10, "share_of_core": 0.009, "harness_share_of_core": 0.001},
            }
            | {
                sound: {"complete": True, "words": 0, "finals": 0, "partials": 0, "cpu_share": 0.007}
                for sound in ("silence", "noise", "tones", "clicks")
            },
            "kills": {
                "sessions": 20,
                "kills": 10,
                "complete": True,
                "words": 600,
                "unheard_words": 20,
                "unheard_alone": 20,
                "words_missing": 0,
            },
        },
    }


def verdict(result: dict[str, Any], what: str) -> Verdict:
    return next(found for found in verdicts(result) if what in found.what)


def test_everything_that_is_good_enough_is_met() -> None:
    assert {found.what for found in verdicts(results()) if found.met is not True} == set()


WORSE = [
    ("streaming CPU / faster-whisper", ["solo", "ours", "cpu_over_padded"], 2.1),
    ("streaming CPU / naive", ["solo", "ours_cpu_over_naive"], 0.126),
    ("end of speech, one session", ["solo", "ours", "after_speech_s"], {**SPREAD, "p95": 0.41}),
    ("end of speech, one session", ["solo", "ours", "wer"], 0.035),
    ("endpoint) / one offline", ["solo", "ours", "after_endpoint_over_decode"], {**SPREAD, "p95": 1.1}),
    ("WER at saturation", ["capacity", "ours", "trials"], [{**trial(22, held=False), "wer": 0.04}]),
    ("sessions at p95", ["capacity", "ours", "held"], 9),
    ("session at saturation", ["capacity", "ours", "trials"], [{**trial(22, held=False), "unfairness": 2.1}]),
    ("3 × overload", ["capacity", "overload", "unheard_words"], 5),
    ("3 × overload", ["capacity", "overload", "words_missing"], 1),
    ("3 × overload", ["capacity", "overload", "complete"], False),
    ("streaming WER", ["words", "wer_over_offline"], 1.06),
    ("streaming WER", ["words", "wer_over_offline"], None),
    ("tail-pad", ["padding", "pads"], [{"pad_s": 1.0}]),
    ("words in silence", ["nonspeech", "clicks", "words"], 1),
    ("silent session", ["nonspeech", "idle", "share_of_core"], 0.011),
    ("is killed", ["kills", "unheard_words"], 21),
]


@pytest.mark.parametrize(("what", "where", "value"), WORSE)
def test_what_is_not_good_enough_is_not_met(what: str, where: list[str], value: Any) -> None:
    result = copy.deepcopy(results())
    place = result["measures"]
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = value
    assert verdict(result, what).met is False


def test_what_was_not_measured_is_neither() -> None:
    result = results()
    del result["measures"]["solo"]
    result["measures"]["kills"] = {"skipped": "no module"}
    result["measures"]["words"] = {"failed": "OSError"}
    assert verdict(result, "streaming CPU / naive").met is None
    assert verdict(result, "is killed").value == "not measured: no module"
    assert verdict(result, "streaming WER").met is False


def test_too_little_is_no_merit_and_no_excuse() -> None:
    result = results()
    result["measures"]["nonspeech"]["seconds"] = 60
    result["measures"]["kills"]["kills"] = 9
    assert verdict(result, "words in silence").met is None
    assert verdict(result, "is killed").met is None
    result["measures"]["nonspeech"]["noise"]["words"] = 1
    assert verdict(result, "words in silence").met is False


def test_a_percentile_needs_values_behind_it() -> None:
    result = results()
    result["measures"]["solo"]["ours"]["after_speech_s"] = {**SPREAD, "n": 49}
    assert verdict(result, "end of speech, one session").met is None
    result["measures"]["solo"]["ours"]["after_speech_s"] = {**SPREAD, "n": 9, "p95": 0.5}
    assert verdict(result, "end of speech, one session").met is False


def test_sessions_are_told_with_their_words() -> None:
    result = results()
    assert verdict(result, "sessions at p95").value == "20 at a WER of 3.0%, naive 1 at a WER of 3.0%"
    result["measures"]["capacity"]["ours"]["trials"] = []
    assert verdict(result, "WER at saturation").met is None


def test_ten_times_none_is_ten() -> None:
    result = results()
    result["measures"]["capacity"]["naive"]["held"] = 0
    result["measures"]["capacity"]["ours"]["held"] = 9
    assert verdict(result, "sessions at p95").met is False


def test_a_search_that_did_not_end_does_not_decide() -> None:
    result = results()
    capacity = result["measures"]["capacity"]
    capacity["naive"]["broke"] = None
    assert verdict(result, "sessions at p95").met is None
    capacity["ours"] |= {"held": 8, "broke": None}
    assert [found.met for found in verdicts(result) if found.what.startswith("sessions")] == [None]
    assert verdict(result, "sessions at p95").value == "8 or more, naive 1 or more at a WER of 3.0%"


def test_saturation_is_the_least_that_does_not_hold() -> None:
    capacity = {"ours": {"trials": [trial(4, held=True), trial(16, held=False), trial(8, held=False)]}}
    assert saturated(capacity) == trial(8, held=False)
    assert saturated({"ours": {"trials": [trial(4, held=True), trial(8, held=True)]}}) == trial(8, held=True)
    assert saturated({"ours": {"trials": []}}) is None


def test_the_page_shows_every_measure_and_every_bar() -> None:
    shown = page([results(), results()], [], ["![plot](plot.svg)"])
    assert shown.count("## made-up") == 2
    assert "![plot](plot.svg)" in shown
    assert NOT_YET in shown
    for found in verdicts(results()):
        assert f"| {found.what} | {found.bar} | {found.value} | met |" in shown
    for title in ("Offline", "One session", "Words", "Many sessions", "Tail pad", "What is not speech", "Killing"):
        assert f"### {title}" in shown


def test_tables_are_tables() -> None:
    columns = 0
    for line in section(results()):
        if not line.startswith("|"):
            columns = 0
            continue
        columns = columns or line.count("|")
        assert line.count("|") == columns, line


def test_a_quick_run_is_marked() -> None:
    result = results()
    result["meta"]["quick"] = True
    assert any("quick run" in line for line in section(result))


def test_batches_are_compared_with_30_seconds() -> None:
    meta = {"shape": "tiny", "device": "cuda", "device_name": "a GPU", "compute_type": "float16", "tokens": 12}
    row = {"batch": 8, "batch_s": SPREAD}
    rows = [{**row, "window_s": 4.0, "windows_per_s": 700.0}, {**row, "window_s": 30.0, "windows_per_s": 100.0}]
    lines = batch_lines([{"meta": {**meta, "date": "2026-01-02"}, "rows": rows}])
    assert "| 4 s | 8 | 100.0 / 400.0 ms | 700.0 | 7.0 × |" in lines
    assert NOT_YET not in lines


def test_a_command_tells_nothing_of_this_machine(tmp_path: Path) -> None:
    said = command(
        [
            "bench/streaming/run.py",
            "--model",
            str(tmp_path),
            "--clips",
            str(ROOT / "pyproject.toml"),
            "--out",
            "/no/where/x.json",
        ]
    )
    assert said == f"python bench/streaming/run.py --model …/{tmp_path.name} --clips pyproject.toml --out …/x.json"


def test_a_measure_says_when_it_was_taken_and_beside_what():
    """A run may be of one measure, and the others are of another day."""
    told = results()
    told["measures"]["solo"] |= {"date": "2026-01-02", "load_before": 0.5}
    assert section(told).count("*2026-01-02, load 0.5 before it began.*") == 1


def test_a_run_of_one_measure_keeps_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "RESULTS", tmp_path)
    monkeypatch.setattr(run, "import_module", lambda name: SimpleNamespace(write=lambda paths: None))
    for measures in ({"solo": {"wer": 0.1}, "words": {"wer": 0.2}}, {"solo": {"wer": 0.3}}):
        run._write({"meta": {"model": "made-up"}, "measures": measures}, Namespace(out=None, write=True))
    kept = json.loads((tmp_path / "made-up.json").read_text(encoding="utf-8"))
    assert kept["measures"] == {"solo": {"wer": 0.3}, "words": {"wer": 0.2}}
