"""What of Whisper is not to be believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.engines.whisper.guards import MOST_TOKENS, is_compressible, is_no_speech, loop_start, token_budget


@pytest.mark.parametrize(
    ("tokens", "start"),
    [
        ([], None),
        ([1, 2, 3, 4, 5], None),
        ([1, 1], None),
        ([7, 1, 1, 1, 1, 2], None),
        ([7, 1, 1, 1, 1, 1, 1, 1, 1], 3),
        ([1, 2, 1, 2, 1, 2, 9], None),
        ([1, 2, 1, 2, 1, 2, 1, 2, 9], 4),
        ([5, 1, 2, 3, 1, 2, 3, 1, 2, 3], 7),
        ([1, 2, 3, 4] * 3, 8),
        ([1, 2, 3, 4, 5] * 3, None),
    ],
)
def test_a_loop_is_found_where_its_third_turn_begins(tokens: list[int], start: int | None) -> None:
    assert loop_start(tokens) == start


@given(st.lists(st.integers(0, 3), max_size=30))
def test_what_is_before_the_third_turn_has_no_loop(tokens: list[int]) -> None:
    start = loop_start(tokens)
    if start is not None:
        assert loop_start(tokens[:start]) is None


def test_text_that_says_the_same_again_and_again() -> None:
    assert is_compressible("and so my fellow americans " * 6)
    assert not is_compressible("and so my fellow americans ask not what your country can do for you")
    assert not is_compressible("no no no no no"), "short enough to be meant"


def test_the_model_may_say_that_nobody_spoke() -> None:
    assert is_no_speech(0.9, -1.5)
    assert not is_no_speech(0.9, -0.2)
    assert not is_no_speech(0.1, -1.5)


@given(st.floats(0, 60))
def test_the_budget_grows_and_ends(seconds: float) -> None:
    assert 20 <= token_budget(seconds) <= MOST_TOKENS
