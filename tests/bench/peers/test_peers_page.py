"""The page of the bench of peers, and the kept results that it is made of."""

from kept_results import read_all
from peers import command as peers_command
from peers.page import page

SUMMARY = {"n": 3, "p50": 0.5, "p95": 0.75, "most": 0.75}
RUNG = {
    "at_once": 1,
    "sessions": 3,
    "ended": 2,
    "failures": ["ConnectionError: it | closed"],
    "errors": {"rate": 0.025, "substitutions": 1, "deletions": 2, "insertions": 3, "words": 240},
    "first_word_s": SUMMARY,
    "settled_s": SUMMARY,
    "told_final_s": {"n": 0, "p50": None, "p95": None, "most": None},
    "end_s": SUMMARY,
    "cpu_x": 2.5,
    "late_s": 0.015,
}
GOOD = {
    "title": "One",
    "version": "1.2",
    "settings": "As it is.",
    "ending": "`end`",
    "failure": None,
    "load_before": 0.2,
}
RESULTS = {
    "meta": {
        "date": "2026-11-30",
        "command": "python bench/peers/run.py",
        "clips": 9,
        "audio_s": 60.0,
        "speech_s": 42.0,
        "tapes": 2,
        "cpu": "a processor",
        "cores": 2,
        "load_before": 0.1,
        "python": "3.11.7",
        "libraries": {"ctranslate2": "4.8"},
        "model": "tiny.en",
        "pause_s": 1.5,
        "frame_s": 0.1,
        "patience_s": 60.0,
    },
    "plain": RUNG["errors"],
    "servers": {
        "one": {**GOOD, "rungs": [RUNG], "held": 1},
        "two": {**GOOD, "title": "Two", "version": None, "failure": "it did not install: no | wheel", "rungs": []},
    },
    "left_out": {"Three": "is not on PyPI"},
}


def test_the_page_says_what_was_measured_and_what_did_not_run() -> None:
    lines = page([RESULTS]).splitlines()
    assert "| One | 1.2 | at least 1 | 0.2 | 2 of 3 sessions; ConnectionError: it / closed |" in lines
    assert "| Two | – | – | 0.2 | it did not install: no / wheel |" in lines
    delays = "0.50 / 0.75 (3) | 0.50 / 0.75 (3) | – (0) | 0.50 / 0.75"
    assert f"| One | 2.5% | 1/2/3 | 2 of 240 | 2 of 3 | {delays} | 2.5 × |" in lines
    assert "* **Three** is not on PyPI." in lines


def test_the_page_is_the_one_of_the_results_that_are_kept() -> None:
    assert peers_command.PAGE.read_text(encoding="utf-8") == page(read_all(peers_command.RESULTS))
