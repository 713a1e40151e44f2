"""Features that are computed once, against faster-whisper's, which are computed anew."""

from functools import cache

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor
from hypothesis import given
from hypothesis import strategies as st

from auricle.engines.audio.retained_audio import RetainedAudio
from auricle.engines.whisper import log_mel
from auricle.engines.whisper.log_mel import FLOOR, LogMels, encoder_input, frame_at_or_after, window_features
from engines.session_harness import clip_pcm

SECONDS = 3
AUDIO = np.random.default_rng(7).normal(scale=0.1, size=SECONDS * 16_000).astype(np.float32)
AUDIO[15_000:22_000] *= 1e-3
AUDIO[22_000:30_000] = 0.0
"""Loud, faint, silent, loud."""
POSITIONS = st.integers(0, len(AUDIO))
WINDOWS = st.tuples(POSITIONS, POSITIONS).map(sorted).map(tuple)


def held(upto: int = len(AUDIO)) -> RetainedAudio:
    audio = RetainedAudio()
    audio.append(AUDIO[:upto])
    return audio


def same(one: np.ndarray, other: np.ndarray, tolerance: float = 1e-5) -> bool:
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=0, atol=tolerance))


def on_the_grid(begin: int) -> int:
    return 160 * frame_at_or_after(begin)


extractor = cache(FeatureExtractor)


def faster_whisper(audio: np.ndarray, frames: int, mels: int = 80) -> np.ndarray:
    """Return its own features of the rows that hear any of the audio, padded as it does: with zeros."""
    rows = min(frames, frame_at_or_after(len(audio) + 200)) if len(audio) else 0
    silent_behind = np.pad(audio, (0, max(0, rows * 160 + 400 - len(audio))))
    features = np.zeros((mels, frames), dtype=np.float32)
    if rows:
        features[:, :rows] = extractor(mels)(silent_behind, padding=0)[:, :rows]
    return features


@given(st.lists(WINDOWS, min_size=1, max_size=5), st.sampled_from([80, 128]))
def test_a_window_has_the_features_that_faster_whisper_gives_it_whatever_was_asked_before(windows, mels):
    mine, audio = LogMels(mels), held()
    for begin, end in windows:
        start = min(on_the_grid(begin), end)
        frames = (end - start) // 160 + 50
        got = encoder_input(mine.window(audio, begin, end), frames)
        assert got.flags.c_contiguous
        assert same(got, faster_whisper(AUDIO[start:end], frames, mels), 1e-4)


@given(st.data())
def test_a_window_depends_on_its_samples_alone(data):
    """Audio grows, windows are asked of what there is, and some is forgotten."""
    mine, audio = LogMels(80), RetainedAudio()
    for size in data.draw(st.lists(st.integers(1, 9_000), min_size=1, max_size=8)):
        audio.append(AUDIO[audio.end : audio.end + size])
        begin, end = sorted(data.draw(st.tuples(*[st.integers(audio.start, audio.end)] * 2)))
        start = min(on_the_grid(begin), end)
        expected = window_features(AUDIO[start:end], 80)
        got = mine.window(audio, begin, end)
        assert same(got, expected)
        if data.draw(st.booleans()):
            mine.forget_before(begin)
            audio.forget_before(begin)


def test_a_window_hears_nothing_before_its_begin():
    audio = held()
    audio.forget_before(1_001)
    assert same(LogMels(80).window(audio, 1_001, 20_000), window_features(AUDIO[1_120:20_000], 80))


def test_an_empty_window_has_no_rows():
    assert LogMels(80).window(held(), 500, 500).shape == (0, 80)
    assert LogMels(80).window(held(), 500, 510).shape == (0, 80)
    assert same(encoder_input(LogMels(80).window(held(), 500, 500), 200), faster_whisper(AUDIO[:0], 200))


def test_rows_behind_the_last_are_silence():
    rows = window_features(AUDIO[:1_234], 80)
    further = window_features(np.pad(AUDIO[:1_234], (0, 800)), 80)
    assert same(further[: len(rows)], rows)
    assert (further[len(rows) :] == np.log10(np.float32(FLOOR))).all()


def test_a_window_that_is_too_long_is_cut():
    rows = window_features(AUDIO, 80)
    assert encoder_input(rows, 200).shape == (80, 200)


@pytest.fixture
def computed(monkeypatch):
    """Return the counts of rows as they are computed."""
    counts = []
    compute = log_mel._rows

    def counting(samples, mels):
        rows = compute(samples, mels)
        counts.append(len(rows))
        return rows

    monkeypatch.setattr(log_mel, "_rows", counting)
    return counts


def test_each_row_is_computed_once_while_windows_grow(computed):
    mine, audio = LogMels(80), held()
    for end in range(8_000, len(AUDIO), 8_000):
        mine.window(audio, 4_000, end)
        mine.window(audio, end // 2, end)
    windows = 2 * 5
    assert sum(computed) <= len(AUDIO) // 160 + windows * 7


def test_what_later_windows_show_is_not_forgotten(computed):
    mine, audio = LogMels(80), held()
    mine.window(audio, 0, 40_000)
    mine.forget_before(20_001)
    computed.clear()
    mine.window(audio, 20_001, 40_000)
    assert sum(computed) <= 7


def test_nothing_is_computed_for_what_no_window_shows(computed):
    mine, audio = LogMels(80), held()
    assert computed == []
    mine.window(audio, 0, 4_000)
    mine.window(audio, 40_000, 44_000)
    assert sum(computed) <= 2 * (25 + 7)


def test_what_is_forgotten_is_not_kept():
    mine, audio = LogMels(80), held()
    mine.window(audio, 0, 40_000)
    mine.forget_before(39_000)
    assert len(mine._kept) < 10
    mine.forget_before(200_000)
    assert len(mine._kept) == 0
    assert same(mine.window(audio, 1_600, 9_000), window_features(AUDIO[1_600:9_000], 80))


def test_speech_too():
    speech = np.frombuffer(clip_pcm("jfk"), dtype="<i2").astype(np.float32) / 32_768
    audio = RetainedAudio()
    audio.append(speech)
    mine = LogMels(80)
    for end in range(8_000, len(speech), 8_000):
        got = encoder_input(mine.window(audio, 1_600, end), 1_500)
        assert same(got, faster_whisper(speech[1_600:end], 1_500), 1e-4)
