"""How several models share the processors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.engines.compute import ComputeOptions
from auricle.server.models.lanes import shared_compute, shares


@pytest.mark.parametrize(
    ("total", "models", "expected"),
    [(8, 1, [8]), (8, 2, [4, 4]), (7, 2, [4, 3]), (8, 3, [4, 2, 2]), (2, 2, [1, 1]), (2, 3, [1, 1, 1])],
)
def test_all_get_the_same_and_the_first_what_is_left_over(total: int, models: int, expected: list[int]) -> None:
    assert list(shares(total, models)) == expected


@given(st.integers(1, 512), st.integers(1, 20))
def test_everybody_has_one_and_no_more_are_promised_than_there_are_unless_there_are_too_few(total, models):
    shared = shares(total, models)
    assert len(shared) == models
    assert min(shared) >= 1
    assert sum(shared) == (total if total >= models else models)


def test_only_an_engine_that_can_be_told_is_told():
    plain, chosen = ComputeOptions(device="cpu"), ComputeOptions(threads=8)
    assert shared_compute(plain, None, 3, alone=False) == ComputeOptions(device="cpu", threads=3)
    assert shared_compute(plain, "whisper", 3, alone=False).threads == 3
    assert shared_compute(plain, "sphinx", 3, alone=False) == plain
    assert shared_compute(chosen, "mine", 4, alone=False).threads == 4
    assert shared_compute(chosen, "whisper", 8, alone=True) == chosen
    assert shared_compute(plain, None, 8, alone=True) == plain
