"""The arithmetic of bench/streaming."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metrics import (
    changed_words,
    commit_times,
    common_prefix,
    edits,
    left_out,
    percentile,
    ratio,
    summary,
    unfairness,
    word_error_rate,
    words_of,
)

WORDS = st.lists(st.sampled_from(["one", "two", "three"]), max_size=6)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(value) for value in range(20, 0, -1)]
    assert percentile(values, 0.5) == 10
    assert percentile(values, 0.95) == 19
    assert percentile(values, 1.0) == 20
    assert percentile([7.0], 0.95) == 7
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0.01, 1))
def test_at_least_the_share_is_not_above_a_percentile(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9


def test_a_summary_of_nothing_has_no_numbers() -> None:
    assert summary([]) == {"n": 0, "p50": None, "p95": None, "most": None}
    assert summary([0.2, 0.1]) == {"n": 2, "p50": 0.1, "p95": 0.2, "most": 0.2}


def test_words_are_compared_without_case_and_punctuation() -> None:
    assert words_of("And so, my ‘fellow’ well-known Americans’ don't!") == [
        "and", "so", "my", "fellow", "well", "known", "americans", "don't",
    ]  # fmt: skip


@given(WORDS, WORDS)
def test_edits_account_for_the_lengths(reference: list[str], heard: list[str]) -> None:
    substituted, deleted, inserted = edits(reference, heard)
    assert len(reference) - deleted + inserted == len(heard)
    assert (substituted + deleted + inserted == 0) == (reference == heard)


def test_errors_of_all_utterances_are_counted_together() -> None:
    assert word_error_rate([("red green blue", "Red, green, blue."), ("black", "")], "en") == 0.25
    assert word_error_rate([], "en") == 0


def test_words_left_out_are_not_words_replaced() -> None:
    assert left_out("one two three", "one too three") == 0
    assert left_out("one two three", "one three") == 1
    assert left_out("one two", "") == 2
    assert left_out("", "one") == 0


def test_a_ratio_to_nothing() -> None:
    assert ratio(0.0, 0.0) == 1
    assert ratio(0.1, 0.0) is None
    assert ratio(0.2, 0.1) == 2


def test_words_shown_and_taken_back_count_with_those_behind_them() -> None:
    assert changed_words(["one", "one two", "one two three"]) == 0
    assert changed_words(["one two three", "one too three four"]) == 2
    assert changed_words(["one two", "one"]) == 1
    assert changed_words(["One,", "one two."]) == 0


@given(WORDS, WORDS)
def test_a_common_prefix_begins_both(one: list[str], other: list[str]) -> None:
    length = common_prefix(one, other)
    assert one[:length] == other[:length]
    assert one[length : length + 1] != other[length : length + 1] or length == len(one) == len(other)


def test_a_word_is_committed_by_the_first_partial_that_promises_it_or_by_the_final() -> None:
    assert commit_times([(1.0, 0), (1.5, 2), (2.0, 2), (2.5, 3)], final_s=3.0, words=4) == [1.5, 1.5, 2.5, 3.0]
    assert commit_times([(1.0, 9)], final_s=3.0, words=2) == [1.0, 1.0]
    assert commit_times([], final_s=3.0, words=1) == [3.0]


def test_unfairness_compares_the_worst_session_with_the_median_one() -> None:
    assert unfairness([[0.1], [0.2, 0.2, 9.0], [0.6]]) == pytest.approx(3)
    assert unfairness([[], []]) is None
