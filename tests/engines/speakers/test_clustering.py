"""Which voices are one person's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.engines.speakers.clustering import BATCH, cluster
from auricle.engines.speakers.protocol import Embedding

DIMENSIONS = 64


def voices(who: list[int], *, noise: float = 0.05, seed: int = 0) -> list[Embedding]:
    """An embedding for each, near the direction of its speaker."""
    random = np.random.default_rng(seed)
    centres = np.linalg.qr(random.standard_normal((DIMENSIONS, DIMENSIONS)))[0]
    vectors = centres[who] + noise * random.standard_normal((len(who), DIMENSIONS))
    return list((vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32))


def as_first_heard(who: list[int]) -> list[int]:
    order: dict[int, int] = {}
    return [order.setdefault(one, len(order)) for one in who]


@settings(max_examples=50)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(0, 100))
def test_voices_that_are_well_apart_are_told_apart(who: list[int], seed: int) -> None:
    assert cluster(voices(who, seed=seed), [3.0] * len(who), threshold=0.5) == as_first_heard(who)


def test_more_voices_than_are_joined_at_a_time() -> None:
    who = [index % 3 for index in range(2 * BATCH + 50)]
    assert cluster(voices(who), [2.0] * len(who), threshold=0.5) == as_first_heard(who)


def test_a_recording_of_one_is_of_one() -> None:
    assert set(cluster(voices([0] * 20, noise=0.1), [2.0] * 20, threshold=0.3)) == {0}


def test_a_short_word_joins_whom_it_is_like_and_makes_no_speaker() -> None:
    who = [0, 1, 0, 1, 1]
    seconds = [3.0, 3.0, 0.5, 0.5, 0.5]
    assert cluster(voices(who), seconds, threshold=0.5) == who
    assert cluster(voices([0, 1, 2]), [3.0, 3.0, 0.5], threshold=0.5)[2] in (0, 1)


def test_who_hardly_speaks_is_one_of_the_others() -> None:
    assert len(set(cluster(voices([0, 1, 2]), [9.0, 9.0, 1.5], threshold=0.5))) == 2


@pytest.mark.parametrize("seconds", [0.2, 1.5])
def test_where_nobody_speaks_long_somebody_speaks(seconds: float) -> None:
    assert cluster(voices([0, 0]), [seconds, seconds], threshold=0.5) == [0, 0]


def test_nothing_is_nobody() -> None:
    assert cluster([], [], threshold=0.5) == []
