"""Exact counts and exact maps, whatever the rate and however the audio is cut."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.engines.audio.resample import Resampler, Timeline

RATES = [4_000, 8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000]
rates = st.sampled_from(RATES)
NOISE = np.random.default_rng(7).uniform(-0.5, 0.5, 60_000).astype(np.float32)


@given(st.integers(4_000, 192_000), st.integers(0, 10**9))
def test_the_map_and_its_inverse(rate, n):
    timeline = Timeline(rate)
    p = timeline.engine_sample(n)
    assert p == n * 16_000 // rate
    back = timeline.session_sample(p)
    assert back <= n
    assert timeline.engine_sample(back) >= p
    assert back == 0 or timeline.engine_sample(back - 1) < p


def run(rate: int, samples: np.ndarray, cuts: list[int]) -> np.ndarray:
    resampler = Resampler(rate)
    edges = [0, *sorted(cut for cut in cuts if cut < len(samples)), len(samples)]
    pieces = [resampler.push(samples[a:b]) for a, b in itertools.pairwise(edges)]
    return np.concatenate([*pieces, resampler.drain()])


@given(rates, st.integers(0, 60_000), st.lists(st.integers(0, 60_000), max_size=12))
@settings(max_examples=150, deadline=None)
def test_counts_are_exact_and_chunks_do_not_matter(rate, n, cuts):
    whole = run(rate, NOISE[:n], [])
    assert len(whole) == n * 16_000 // rate
    assert np.array_equal(run(rate, NOISE[:n], cuts), whole)


@given(rates, st.lists(st.integers(0, 9_000), min_size=1, max_size=6))
@settings(max_examples=150, deadline=None)
def test_counts_stay_exact_over_many_drains(rate, lengths):
    resampler, taken, given_ = Resampler(rate), 0, 0
    for length in lengths:
        given_ += len(resampler.push(NOISE[:length]))
        taken += length
        assert given_ <= taken * 16_000 // rate
        given_ += len(resampler.drain())
        assert given_ == taken * 16_000 // rate


@pytest.mark.parametrize("rate", RATES)
def test_a_tone_stays_where_it_was(rate):
    def sine(at: int) -> np.ndarray:
        return np.sin(2 * np.pi * 440 * np.arange(at) / at).astype(np.float32)

    out = run(rate, sine(rate), [])
    middle = slice(2_000, 14_000)
    assert np.abs(out[middle] - sine(16_000)[middle]).max() < 2e-3


def test_the_engine_rate_passes_through_at_once():
    resampler = Resampler(16_000)
    assert np.array_equal(resampler.push(NOISE[:777]), NOISE[:777])
    assert len(resampler.drain()) == 0
