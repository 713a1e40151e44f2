"""`WallClock`: monotone, never in the future, right in real time."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.auricle.wall_clock import TOLERANCE_S, WallClock


@given(st.lists(st.tuples(st.floats(0.005, 0.2), st.floats(0, 3)), min_size=1, max_size=60))
def test_the_wall_clock_never_runs_backwards_and_never_ahead(frames: list[tuple[float, float]]) -> None:
    clock, now, at = WallClock(), 1000.0, 0.0
    for seconds, delay in frames:
        now += delay
        clock.add_audio(seconds, now)
        at += seconds
    positions = np.linspace(0, at, 50)
    for read in (clock.time_of_start, clock.time_of_end):
        walls = [read(float(position), now) for position in positions]
        assert all(later >= earlier - 0.001 for earlier, later in pairwise(walls))
        assert max(walls) <= now


@given(st.floats(0.005, 0.1), st.integers(1, 400), st.data())
def test_in_real_time_it_is_right(seconds: float, count: int, data: st.DataObject) -> None:
    clock = WallClock()
    for number in range(1, count + 1):
        late = data.draw(st.floats(0, TOLERANCE_S / 2)) if number > 1 else 0.0
        clock.add_audio(seconds, 1000 + number * seconds + late)
    for number in range(count):
        at = number * seconds
        assert clock.time_of_start(at, math.inf) == pytest.approx(1000 + at, abs=2 * TOLERANCE_S)


def test_a_pause_lies_after_what_ends_there_and_before_what_begins_there() -> None:
    clock = WallClock()
    clock.add_audio(1.0, 1001.0)
    clock.add_audio(1.0, 1022.0)
    assert clock.time_of_end(1.0, 2000.0) == pytest.approx(1001.0)
    assert clock.time_of_start(1.0, 2000.0) == pytest.approx(1021.0)
