"""When which sample arrived: exact where audio comes evenly, and bounded where it does not."""

from hypothesis import given
from hypothesis import strategies as st

from auricle.server.metrics.arrivals import MOST, PAUSE_S, STEP_S, Arrivals

RATE = 16_000


def test_a_sample_of_steady_audio_arrived_when_it_was_spoken():
    arrivals = Arrivals(RATE)
    for frame in range(1, 501):
        arrivals.arrived(frame * 320, frame * 0.02)
    for sample in (1_600, 40_000, 159_999):
        at = arrivals.at(sample)
        assert at is not None
        assert abs(at - sample / RATE) < 0.021
    assert arrivals.at(160_001) is None, "it has not arrived"


def test_nothing_is_interpolated_over_a_pause_of_the_client():
    arrivals = Arrivals(RATE)
    for frame in range(1, 52):
        arrivals.arrived(frame * 320, frame * 0.02)
    for frame in range(52, 101):
        arrivals.arrived(frame * 320, 60.0 + frame * 0.02)
    before, behind = arrivals.at(51 * 320), arrivals.at(51 * 320 + 1)
    assert before is not None
    assert behind is not None
    assert abs(before - 51 * 0.02) < 0.021
    assert 61.0 <= behind <= 61.2


def test_what_is_decided_is_forgotten_and_memory_is_bounded():
    arrivals = Arrivals(RATE)
    for frame in range(1, 20_000):
        arrivals.arrived(frame * 320, frame * 0.02)
    assert len(arrivals._marks) <= MOST
    arrivals.forget_before(19_999 * 320)
    assert len(arrivals._marks) == 1
    assert arrivals.at(19_999 * 320) is not None


@given(st.lists(st.tuples(st.integers(1, 8_000), st.floats(0.0, 3.0)), min_size=1, max_size=200), st.data())
def test_any_sample_is_placed_between_the_frames_around_it(steps, data):
    arrivals, end, now = Arrivals(RATE), 0, 0.0
    frames = []
    for samples, waited in steps:
        end, now = end + samples, now + waited
        frames.append((end, now))
        arrivals.arrived(end, now)
    sample = data.draw(st.integers(1, end))
    truth = next(at for last, at in frames if last >= sample)
    at = arrivals.at(sample)
    assert at is not None
    assert at >= 0.0
    assert abs(at - truth) <= 2 * (PAUSE_S + STEP_S) + 1e-9
