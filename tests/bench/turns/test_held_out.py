"""Rules that are chosen on some clips and judged on others, by hand."""

from pathlib import Path
from typing import Any

import pytest
from turns.answers import Answer, read_answers, write_answers
from turns.held_out import both_ways, chosen, halved_at_random, halved_by_speaker, judged
from turns.held_out_table import held_out_rows

from auricle.engines.turn_taking.decision import TurnRules

RULES = TurnRules(threshold=0.9, over_s=0.45, unknown_s=0.5, longest_s=0.8)


def answer(clip: str, seconds: float | None, probability: float, kind: Any = None) -> Answer:
    of_kind = kind or ("end" if seconds is None else "breath")
    return Answer(clip=clip, clip_kind="utterance", kind=of_kind, seconds=seconds, probability=probability)


SPEECH = [
    answer("LJ001", 0.4, 0.95), answer("LJ001", None, 0.95),
    answer("LJ002", 0.5, 0.95), answer("LJ002", None, 0.2),
    answer("jfk", 0.7, 0.1), answer("jfk", 0.15, 0.95), answer("jfk", None, 0.1, "stop"),
]  # fmt: skip


def test_a_clip_is_whole_where_every_breath_of_it_is_waited_for() -> None:
    found = judged(RULES, SPEECH)
    assert (found.breaths, found.cut) == (3, 1)
    assert (found.with_breaths, found.whole) == (3, 2)
    assert found.ends == pytest.approx((0.48, 0.8)), "15 blocks of 32 ms are the first that are 0.45 s"
    assert found.stops == pytest.approx((0.8,))


def test_a_wait_is_a_whole_number_of_blocks() -> None:
    rules = TurnRules(threshold=0.5, over_s=0.32, unknown_s=0.33, longest_s=0.33)
    assert judged(rules, [answer("x", None, 0.9), answer("x", None, 0.1)]).ends == pytest.approx((0.32, 0.352))


def test_what_is_chosen_keeps_what_can_be_kept_and_is_quick_then() -> None:
    easy = [answer("a", 0.4, 0.1), answer("a", None, 0.9), answer("b", 0.7, 0.1), answer("b", None, 0.9)]
    found = chosen(easy)
    assert (found.over_s, found.longest_s) == (0.15, 0.8)
    assert judged(found, easy).cut == 0


def test_no_speaker_is_on_both_sides() -> None:
    one, other = halved_by_speaker(SPEECH, frozenset({"LJ0"}))
    assert {answer.clip for answer in one} == {"LJ001", "LJ002"}
    assert {answer.clip for answer in other} == {"jfk"}


def test_clips_that_are_made_of_others_are_told_apart() -> None:
    assert answer("LJ001", 0.4, 0.9).is_of_its_own
    assert not answer("long-lj001", 0.4, 0.9).is_of_its_own


def test_each_half_is_chosen_on_once_and_judged_on_once() -> None:
    for halves in halved_at_random(SPEECH, 5):
        assert sorted(map(str, [*halves[0], *halves[1]])) == sorted(map(str, SPEECH))
        found = both_ways(halves)
        assert found.with_breaths == 3
        assert len(found.ends) == 2


def test_what_was_written_is_read_and_told(tmp_path: Path) -> None:
    write_answers(tmp_path / "answers.jsonl", SPEECH)
    answers = read_answers(tmp_path / "answers.jsonl")
    assert answers == SPEECH
    rows = list(held_out_rows(answers))
    assert "| chosen on LJ0 (" in rows[14]
