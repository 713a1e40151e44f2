"""The page of words and its verdicts, from results that are made up."""

from pathlib import Path
from typing import Any

import pytest
from kept_results import read_all
from words import store
from words.report import page
from words.verdicts import verdicts

SPREAD = {"n": 60, "p50": 0.5, "p95": 0.62, "most": 0.9}
NONE = {"n": 0, "p50": None, "p95": None, "most": None}
COUNTS = {"substitutions": 4, "deletions": 1, "insertions": 0, "words": 120}


def column(rate: float, **changes: Any) -> dict[str, Any]:
    wer = {"rate": rate, **COUNTS}
    return {
        "wer": {"utterance": wer, "word": {"rate": 0.5, **COUNTS, "words": 2}, "all": wer},
        "loops": [],
        "nonspeech": {"clips": 3, "words": 0},
        "contradicted": 0,
        "partials": 40,
        "instability": 0.3,
        "finals": 60,
        "text_against_words": {"finals": 60, "differing": 0, "rate": 0.0},
        "word_start_error_s": SPREAD,
        "final_delay_s": SPREAD,
        "first_word_delay_s": SPREAD,
        "partial_gap_s": SPREAD,
        "long_clips": 20,
        "long_clips_without_partial": 1,
        "incomplete": [],
        "audio_s": 100.0,
        "cpu_s": 20.0,
        "wall_s": 100.0,
        "late_s": 0.01,
        "date": "2026-11-29",
        "load_before": 0.5,
        "took_s": 101.0,
        "clips": {},
    } | changes


def plain(rate: float) -> dict[str, Any]:
    nothing = {"finals": 0, "differing": 0, "rate": None}
    no_delays = dict.fromkeys(("word_start_error_s", "final_delay_s", "first_word_delay_s", "partial_gap_s"), NONE)
    return column(rate, partials=0, instability=None, text_against_words=nothing, cpu_s=10.0, **no_delays)


def results(**columns: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "words",
        "meta": {
            "model": "tiny.en",
            "date": "2026-11-29",
            "command": "python bench/words/run.py --model tiny.en",
            "clips": 24,
            "audio_s": 100.0,
            "cpu": "Some CPU",
            "cores": 2,
            "system": "Linux",
            "python": "3.11.7",
            "libraries": {"ctranslate2": "4.8.5"},
        },
        "columns": {name.replace("_", "-"): one for name, one in columns.items()},
    }


def live(rate: float, **changes: Any) -> dict[str, Any]:
    found = results(plain_beam5=plain(0.04))
    found["columns"]["live-0.5"] = column(rate, **changes)
    return found


def met(found: dict[str, Any]) -> dict[str, bool | None]:
    return {verdict.what: verdict.met for verdict in verdicts(found)}


def test_a_rate_is_judged_as_a_whole_and_for_kinds_with_words_enough() -> None:
    assert met(live(0.042))["WER of live-0.5 / plain-beam5, all"] is True
    assert met(live(0.043))["WER of live-0.5 / plain-beam5, utterance"] is False
    assert "WER of live-0.5 / plain-beam5, word" not in met(live(0.042))


def test_one_word_where_nobody_speaks_is_too_many() -> None:
    found = met(live(0.04, nonspeech={"clips": 3, "words": 1}, contradicted=2))
    assert found["words in non-speech"] is False
    assert found["promises contradicted"] is False
    assert found["loops"] is True


def test_long_clips_see_a_partial_wherever_there_are_any() -> None:
    found = live(0.04, long_clips_without_partial=0)
    found["columns"]["live-virtual-0.5-partials-none"] = column(0.04, long_clips_without_partial=5)
    assert met(found)["clips longer than 3 s without a partial"] is True
    found["columns"]["live-virtual-0.5-partials-2"] = column(0.04, long_clips_without_partial=1)
    assert met(found)["clips longer than 3 s without a partial"] is False


@pytest.mark.parametrize(("p95", "values", "expected"), [(0.6, 60, True), (0.6, 9, None), (0.7, 9, False)])
def test_a_delay_needs_finals_behind_it(p95: float, values: int, expected: bool | None) -> None:
    found = met(live(0.04, final_delay_s={**SPREAD, "n": values, "p95": p95}))
    assert found["final − end of speech, p95, live-0.5"] is expected


def with_tapes(one: dict[str, Any], rate: float, **changes: Any) -> dict[str, Any]:
    pauses = {"0.3": {"words": 40, "missed": 10}, "1.2": {"words": 50, "missed": 0}}
    found = one | {"wer": {**one["wer"], "tape": {"rate": rate, **COUNTS, "words": 700}}, "behind_pauses": pauses}
    return found | changes


def test_tapes_are_judged_as_a_kind() -> None:
    found = live(0.04)
    found["columns"]["live-0.5"] = with_tapes(column(0.04), 0.0421)
    assert "WER of live-0.5 / plain-beam5, tape" not in met(found), "plain faster-whisper has not heard them"
    found["columns"]["plain-beam5"] = with_tapes(plain(0.04), 0.04)
    assert met(found)["WER of live-0.5 / plain-beam5, tape"] is False
    assert met(found)["WER of live-0.5 / plain-beam5, all"] is True
    found["columns"]["live-0.5"] = with_tapes(column(0.04), 0.042)
    assert met(found)["WER of live-0.5 / plain-beam5, tape"] is True


def test_columns_of_before_there_were_tapes_have_none() -> None:
    found = live(0.04)
    found["columns"]["live-virtual-0.5"] = with_tapes(column(0.04), 0.07)
    found["meta"] |= {"tapes": 8, "tapes_s": 338.1}
    lines = page([found], []).splitlines()
    assert (
        "| WER | all (120) | utterance (120) | word (2) | tape (700) | S/D/I | loops | words in non-speech |" in lines
    )
    assert "| plain-beam5 | 4.0 % | 4.0 % | 50.0 % | — | 4/1/0 | 0 | 0 |" in lines
    assert "| live-virtual-0.5 | 4.0 % | 4.0 % | 50.0 % | 7.0 % | 4/1/0 | 0 | 0 |" in lines
    assert "| words missed on tapes, behind a pause of | 0.3 s (40) | 1.2 s (50) |" in lines
    assert "| live-virtual-0.5 | 25.0 % | 0.0 % |" in lines
    assert any("24 clips, 1.7 minutes, and 8 tapes of 5.6 minutes;" in line for line in lines)
    assert "tape" not in page([live(0.04)], []).partition("## How to read it")[0], "results that know of none"


def test_cost_is_that_of_a_second_of_audio() -> None:
    found = live(0.04, cpu_s=30.0, audio_s=150.0)
    assert met(found)["CPU of live-0.5 / plain-beam5"] is True
    assert "| 2 × |" in page([found], [])


def test_cost_is_that_of_offline() -> None:
    assert met(live(0.04, cpu_s=20.0))["CPU of live-0.5 / plain-beam5"] is True
    assert met(live(0.04, cpu_s=20.1))["CPU of live-0.5 / plain-beam5"] is False


def test_the_page_tells_everything() -> None:
    found = live(0.05, loops=[{"clip": "jfk", "unit": "and so", "times": 3}])
    found["cases"] = [
        {"case": "stop", "kind": "one word", "allowed": 0, "file_errors": 0, "live_errors": 1, "passed": False},
        {"case": "m4a", "kind": "container", "allowed": 0, "problem": "it is not audio", "passed": False},
    ]
    row = {"frames": 200, "decoder": "bare", "segments": 1, "words": 9, "wer": 2.0, "run_ons": 1, "cpu_s": 0.1}
    found["sweep"] = {"segments": 2, "rows": [row | {"wer_of_the_same_at_the_longest": 0.0}]}
    text = page([found], ["![plot](bench-words-wer.svg)"])
    for part in ("Some CPU, 2 cores", "“and so” 3 times", "0.50/0.62 s (60)", "| 200 | bare | 1 of 2 | 200.0 % |"):
        assert part in text
    assert "| m4a | container | 0 | it is not audio | — | **wrong** |" in text
    assert "4/1/0" in text


def test_the_page_tells_who_waited_for_a_turn() -> None:
    found = live(0.05, refusals=12, admission_s=41.2)
    found["columns"]["live-virtual-0.5"] = column(0.05, refusals=None, admission_s=0.0)
    lines = page([found], []).splitlines()
    delays = lines.index("### Delay and cost, with the words they came with")
    rows = {line.split(" | ")[0]: line for line in lines[delays:] if line.startswith("| ")}
    assert "| 12, 41.2 s |" in rows["| live-0.5"]
    assert "| — | 0.5 |" in rows["| live-virtual-0.5"]
    assert "| — | 0.5 |" in rows["| plain-beam5"], "columns of before it was counted"


def test_results_of_one_run_stand_beside_those_of_another(tmp_path: Path) -> None:
    first = live(0.05)
    store.keep(first, tmp_path)
    again = results(files=column(0.04))
    path = store.keep(again, tmp_path)
    (kept,) = read_all(tmp_path)
    assert path.name == "tiny.en.json"
    assert list(kept["columns"]) == ["plain-beam5", "files", "live-0.5"]


def test_columns_of_other_clips_do_not_stand_beside_each_other() -> None:
    now = results(files=column(0.04))
    now["meta"]["clips"] = 3
    assert list(store.merged(live(0.05), now)["columns"]) == ["files"]


def test_columns_of_before_there_were_tapes_stand_beside_those_of_after() -> None:
    now = results(files=column(0.04))
    now["meta"] |= {"tapes": 8, "tapes_s": 338.1}
    kept = store.merged(live(0.05), now)
    assert list(kept["columns"]) == ["plain-beam5", "files", "live-0.5"]
    later = results(files=column(0.04))
    later["meta"] |= {"tapes": 8, "tapes_s": 301.0}
    assert list(store.merged(kept, later)["columns"]) == ["files"], "those are other tapes"


def test_a_sweep_leaves_the_columns_alone() -> None:
    now = results() | {"sweep": {"segments": 0, "rows": []}}
    now["meta"]["clips"] = 3
    kept = store.merged(live(0.05) | {"cases": [{"passed": True}]}, now)
    assert list(kept["columns"]) == ["plain-beam5", "live-0.5"]
    assert kept["meta"]["clips"] == 24
    assert set(kept) == {"kind", "meta", "columns", "cases", "sweep"}
