"""The lengths of Whisper's windows: as short as may be, never one that fails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.engines.whisper import window_length
from auricle.engines.whisper.window_length import (
    FRAME_SAMPLES,
    LENGTHS,
    MOST_FRAMES,
    WindowRules,
    is_ambiguous_length,
)

MELS = st.sampled_from([80, 128])
LEAST = st.sampled_from(LENGTHS)


@given(st.integers(0, 30 * 16_000), st.floats(0, 30), LEAST, MELS)
def test_the_speech_is_in_it_and_the_silence_where_there_is_room(
    samples: int, pad_s: float, least: int, mels: int
) -> None:
    frames = WindowRules(tail_pad_s=pad_s, least_frames=least).frames(samples, mels)
    assert frames in LENGTHS
    assert frames >= least
    assert frames * FRAME_SAMPLES >= samples or frames == MOST_FRAMES
    assert frames == MOST_FRAMES or frames >= samples / FRAME_SAMPLES + round(pad_s * 100)
    assert not is_ambiguous_length(frames, mels)


@given(st.integers(0, 20 * 16_000), st.integers(0, 20 * 16_000), MELS)
def test_more_speech_is_never_a_shorter_window(one: int, other: int, mels: int) -> None:
    short, long = sorted((one, other))
    assert WindowRules().frames(short, mels) <= WindowRules().frames(long, mels)


@pytest.mark.parametrize(("frames", "mels"), [(159, 80), (160, 80), (255, 128), (256, 128)])
def test_the_lengths_that_ctranslate2_mistakes_for_mel_frames(frames: int, mels: int) -> None:
    assert is_ambiguous_length(frames, mels)
    assert not is_ambiguous_length(frames - 2, mels)
    assert not is_ambiguous_length(frames + 1, mels) or frames % 2


@given(st.floats(0, 26), LEAST, MELS)
def test_windows_between_two_sizes_have_one_length(pad_s: float, least: int, mels: int) -> None:
    rules = WindowRules(tail_pad_s=pad_s, least_frames=least)
    sizes = rules.buckets(mels)
    assert list(sizes) == sorted(set(sizes))
    assert sizes[-1] == MOST_FRAMES * FRAME_SAMPLES
    reached = [rules.frames(size, mels) for size in sizes]
    assert reached == list(rules.lengths(mels))[-len(sizes) :]
    for size, frames in zip(sizes[:-1], reached, strict=False):
        assert rules.frames(size + 1, mels) > frames


@pytest.mark.parametrize(("mels", "expected"), [(80, (158, 256, 400)), (128, (158, 160, 400))])
def test_no_length_is_ambiguous_length(monkeypatch: pytest.MonkeyPatch, mels: int, expected: tuple[int, ...]) -> None:
    monkeypatch.setattr(window_length, "LENGTHS", (158, 160, 256, 400))
    assert WindowRules(least_frames=0).lengths(mels) == expected


def test_stock_weights_get_ten_seconds_at_least_and_two_of_silence() -> None:
    """Shorter ones run on behind the speech: notes/real-weights.md §2 B."""
    stock = WindowRules()
    assert [stock.frames(round(seconds * 16_000), 80) for seconds in (0.5, 3.0, 8.0, 8.1, 13.0, 13.1, 25.0)] == [
        1_000, 1_000, 1_000, 1_500, 1_500, 2_000, 3_000
    ]  # fmt: skip
