"""What an engine says of its lanes."""

import pytest

from auricle.engines.protocol import Lanes


@pytest.mark.parametrize("wrong", [{"batch": 0}, {"count": -1}, {"count": -1, "batch": 4}])
def test_an_engine_that_nobody_could_schedule_is_refused_where_it_says_so(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="has lanes, and a batch of one at least"):
        Lanes(**wrong)


@pytest.mark.parametrize("buckets", [(0,), (-5, 3), (3, 3), (5, 3)])
def test_lengths_of_windows_increase(buckets: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="Window lengths increase"):
        Lanes(buckets=buckets)
    assert Lanes(buckets=(1, 5, 9)).buckets == (1, 5, 9)
