"""The lengths of Whisper's windows: as short as may be, never one that fails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.engines.whisper import window_length
from auricle.engines.whisper.window_length import (
    BUCKETS,
    FRAME_SAMPLES,
    MOST_FRAMES,
    bucket_samples,
    is_ambiguous_length,
    lengths,
    window_frames,
)

MELS = st.sampled_from([80, 128])


@given(st.integers(0, 30 * 16_000), st.floats(0, 30), MELS)
def test_the_speech_is_in_it_and_the_silence_where_there_is_room(samples: int, pad_s: float, mels: int) -> None:
    frames = window_frames(samples, pad_s, mels)
    assert frames in BUCKETS
    assert frames * FRAME_SAMPLES >= samples or frames == MOST_FRAMES
    assert frames == MOST_FRAMES or frames >= samples / FRAME_SAMPLES + round(pad_s * 100)
    assert not is_ambiguous_length(frames, mels)


@given(st.integers(0, 20 * 16_000), st.integers(0, 20 * 16_000), MELS)
def test_more_speech_is_never_a_shorter_window(one: int, other: int, mels: int) -> None:
    short, long = sorted((one, other))
    assert window_frames(short, 2.0, mels) <= window_frames(long, 2.0, mels)


@pytest.mark.parametrize(("frames", "mels"), [(159, 80), (160, 80), (255, 128), (256, 128)])
def test_the_lengths_that_ctranslate2_mistakes_for_mel_frames(frames: int, mels: int) -> None:
    assert is_ambiguous_length(frames, mels)
    assert not is_ambiguous_length(frames - 2, mels)
    assert not is_ambiguous_length(frames + 1, mels) or frames % 2


@given(st.floats(0, 26), MELS)
def test_windows_between_two_sizes_have_one_length(pad_s: float, mels: int) -> None:
    sizes = bucket_samples(pad_s, mels)
    assert list(sizes) == sorted(set(sizes))
    assert sizes[-1] == MOST_FRAMES * FRAME_SAMPLES
    reached = [window_frames(size, pad_s, mels) for size in sizes]
    assert reached == list(lengths(mels))[-len(sizes) :]
    for size, frames in zip(sizes[:-1], reached, strict=False):
        assert window_frames(size + 1, pad_s, mels) > frames


@pytest.mark.parametrize(("mels", "expected"), [(80, (158, 256, 400)), (128, (158, 160, 400))])
def test_no_length_is_ambiguous_length(monkeypatch: pytest.MonkeyPatch, mels: int, expected: tuple[int, ...]) -> None:
    monkeypatch.setattr(window_length, "BUCKETS", (158, 160, 256, 400))
    assert lengths(mels) == expected
