"""How clients come back: never all at once, whoever went away, and each the same every time."""

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.core import Limits
from auricle.core.recovery import backoff_delay_s

LIMITS = Limits()
HERD = 2_000
SEEDS = st.integers(0, 2**32 - 1)
ATTEMPTS = st.integers(0, 1_000)


def whole_s(attempt: int) -> float:
    return min(LIMITS.reconnect_max_s, LIMITS.reconnect_min_s * 2.0**attempt)


@given(SEEDS, ATTEMPTS)
def test_a_delay_is_within_the_whole_and_always_the_same(seed: int, attempt: int) -> None:
    delay_s = backoff_delay_s(LIMITS, seed, attempt)
    assert 0.0 <= delay_s < whole_s(attempt)
    assert delay_s == backoff_delay_s(LIMITS, seed, attempt)


@pytest.mark.parametrize("attempt", [0, 1, 3, 6, 20])
@given(first=SEEDS, step=st.sampled_from([1, 2, 256, 65_537, 2_654_435_761]))
def test_a_herd_comes_back_evenly_over_the_whole_delay(attempt: int, first: int, step: int) -> None:
    """Also where seeds are no random numbers: counted, or all alike in most of their bits."""
    seeds = [(first + step * number) % 2**32 for number in range(HERD)]
    tenths = Counter(int(10 * backoff_delay_s(LIMITS, seed, attempt) / whole_s(attempt)) for seed in seeds)
    assert set(tenths) == set(range(10)), "from nothing to the whole: full jitter"
    assert max(tenths.values()) <= 2 * HERD / 10


@given(SEEDS)
def test_who_came_together_once_does_not_come_together_again(seed: int) -> None:
    """The second try of a pair that tried within a hundredth of each other has nothing to do with the first."""
    first = [(backoff_delay_s(LIMITS, (seed + n) % 2**32, 6), (seed + n) % 2**32) for n in range(400)]
    first.sort()
    pairs = [(a[1], b[1]) for a, b in itertools.pairwise(first) if b[0] - a[0] < 0.01 * whole_s(6)]
    again = sum(
        abs(backoff_delay_s(LIMITS, a, 7) - backoff_delay_s(LIMITS, b, 7)) < 0.01 * whole_s(7) for a, b in pairs
    )
    assert again <= 0.2 * len(pairs)
