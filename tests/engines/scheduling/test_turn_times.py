"""What the turns of a stateful engine tell of its queue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.engines.scheduling.turn_times import TurnTimes, after_turn, queue_s

SECONDS = st.floats(0.0, 1e4)


def test_nothing_is_predicted_before_anything_was_heard() -> None:
    assert queue_s(TurnTimes(), waiting_s=1_000.0, workers=1) == 0.0
    assert queue_s(after_turn(TurnTimes(), took_s=3.0, audio_s=0.0), waiting_s=1_000.0, workers=1) == 0.0


def test_audio_that_waits_takes_what_audio_has_taken_so_far() -> None:
    times = TurnTimes()
    for _ in range(10):
        times = after_turn(times, took_s=0.25, audio_s=0.5)
    assert queue_s(times, waiting_s=40.0, workers=2) == pytest.approx(40.0 / 2 / 2 + 0.25)


def test_the_end_of_an_utterance_counts_though_it_hears_nothing() -> None:
    times = TurnTimes()
    for _ in range(100):
        times = after_turn(times, took_s=0.1, audio_s=0.5)
        times = after_turn(times, took_s=0.4, audio_s=0.0)
    assert queue_s(times, waiting_s=10.0, workers=1) == pytest.approx(10.0 + 0.4, rel=0.05)


def test_an_engine_that_has_become_fast_is_not_taken_for_slow_for_long() -> None:
    times = after_turn(TurnTimes(), took_s=60.0, audio_s=0.5)
    for _ in range(500):
        times = after_turn(times, took_s=0.05, audio_s=0.5)
    assert queue_s(times, waiting_s=10.0, workers=1) == pytest.approx(1.05, rel=0.05)


@given(st.lists(st.tuples(SECONDS, SECONDS), max_size=50), SECONDS, st.integers(1, 64))
def test_more_audio_never_takes_less_and_no_time_is_below_zero(
    turns: list[tuple[float, float]], waiting_s: float, workers: int
) -> None:
    times = TurnTimes()
    for took_s, audio_s in turns:
        times = after_turn(times, took_s=took_s, audio_s=audio_s)
    predicted_s = queue_s(times, waiting_s=waiting_s, workers=workers)
    assert 0.0 <= predicted_s <= queue_s(times, waiting_s=waiting_s + 1.0, workers=workers)
    assert queue_s(times, waiting_s=waiting_s, workers=workers + 1) <= predicted_s
