"""The summary of an engine's latest calls."""

from auricle.engines.scheduling.decode_times import LATEST, DecodeTimes


def test_nothing_is_told_before_the_first_call() -> None:
    assert DecodeTimes().summary() is None


def test_one_call_is_its_own_median() -> None:
    times = DecodeTimes()
    times.record(took_s=0.25, windows=2, audio_s=8.0)
    summary = times.summary()
    assert summary is not None
    assert (summary.calls, summary.windows, summary.audio_s) == (1, 2, 8.0)
    assert summary.median_s == summary.slowest_tenth_s == summary.slowest_s == 0.25


def test_the_latest_calls_are_summed_up_and_all_are_counted() -> None:
    times = DecodeTimes()
    times.record(took_s=99.0, windows=1, audio_s=1.0)
    for number in range(LATEST):
        times.record(took_s=number / LATEST, windows=1, audio_s=1.0)
    summary = times.summary()
    assert summary is not None
    assert (summary.calls, summary.latest) == (LATEST + 1, LATEST)
    assert summary.slowest_s < 1.0
    assert 0.85 < summary.slowest_tenth_s < 0.95
