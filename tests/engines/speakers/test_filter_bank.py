"""The bands are Kaldi's."""

import numpy as np
import pytest

from auricle.engines.protocol import ENGINE_RATE
from auricle.engines.speakers.filter_bank import FRAME, MELS, SHIFT, filter_bank


def tone(hz: float, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * ENGINE_RATE)) / ENGINE_RATE).astype(np.float32)


@pytest.mark.parametrize("samples", [FRAME, FRAME + SHIFT - 1, FRAME + SHIFT, ENGINE_RATE])
def test_a_frame_is_25_ms_every_10(samples: int) -> None:
    assert filter_bank(np.zeros(samples, np.float32)).shape == (1 + (samples - FRAME) // SHIFT, MELS)


@pytest.mark.parametrize("hz", [300.0, 1000.0, 4000.0])
def test_a_tone_is_loud_in_its_own_band(hz: float) -> None:
    def mel(frequency: float) -> float:
        return 1127 * np.log(1 + frequency / 700)

    quiet = np.zeros(ENGINE_RATE // 2, np.float32)
    bands = filter_bank(np.concatenate([quiet, tone(hz)]))[-5]
    step = (mel(8000) - mel(20)) / (MELS + 1)
    assert abs(int(np.argmax(bands)) + 1 - (mel(hz) - mel(20)) / step) <= 1


def test_bands_have_no_mean_and_loudness_changes_nothing() -> None:
    bands = filter_bank(tone(440.0))
    assert np.abs(bands.mean(axis=0)).max() < 1e-4
    speech = np.random.default_rng(1).standard_normal(8_000).astype(np.float32)
    assert np.allclose(filter_bank(speech), filter_bank(speech / 4), atol=1e-3)
