"""Words with the wrong speaker."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from speakers.errors import wrong_words


@pytest.mark.parametrize(
    ("told", "true", "wrong"),
    [
        ("AABB", "xxyy", 0),
        ("BBAA", "xxyy", 0),
        ("AAAA", "xxyy", 2),
        ("ABBB", "xxyy", 1),
        ("AABC", "xxxx", 2),
        ("ABC", "xyz", 0),
        ("AAA", "xyz", 2),
        ("", "", 0),
        (["A", "", "B", ""], "xxyy", 2),
        (["", ""], "xy", 2),
    ],
)
def test_the_fewest_words_that_are_wrong(told: Sequence[str], true: str, wrong: int) -> None:
    assert wrong_words(told, true) == wrong


@given(st.lists(st.sampled_from("ABC"), max_size=20), st.permutations("ABC"))
def test_what_speakers_are_called_does_not_matter(true: list[str], names: list[str]) -> None:
    told = [names["ABC".index(one)] for one in true]
    assert wrong_words(told, true) == 0
