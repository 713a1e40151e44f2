"""Logarithms of the energy in 80 mel bands, as Kaldi computes them, which is what speaker networks are trained on.

Frames of 25 ms every 10 ms, without the mean of a frame, with pre-emphasis and Povey's window; no dither. Source:
``compute-fbank-feats`` of Kaldi with its defaults but for 80 bands and no dither.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from auricle.engines.protocol import ENGINE_RATE, Samples

FRAME: Final = 400
"""Samples of a frame."""
SHIFT: Final = 160
FFT: Final = 512
MELS: Final = 80
LOWEST_HZ: Final = 20.0
PRE_EMPHASIS: Final = 0.97
QUIETEST: Final = float(np.finfo(np.float32).eps)
"""Of silence no logarithm could be taken."""


def filter_bank(audio: Samples) -> NDArray[np.float32]:
    """Return the bands of `FRAME` samples or more, shape ``(frames, 80)``, without their mean over time."""
    frames = sliding_window_view(audio.astype(np.float64), FRAME)[::SHIFT]
    frames = frames - frames.mean(axis=1, keepdims=True)
    before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    window, bank = _tables()
    power = np.abs(np.fft.rfft((frames - PRE_EMPHASIS * before) * window, FFT)) ** 2
    bands = np.log(np.maximum(power @ bank, QUIETEST))
    level: NDArray[np.float32] = (bands - bands.mean(axis=0)).astype(np.float32)
    return level


@cache
def _tables() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Povey's window, and the triangles of the bands on the mel scale, shape ``(257, 80)``."""
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / (FRAME - 1))) ** 0.85
    bins = _mel(np.arange(FFT // 2) * ENGINE_RATE / FFT)[:, np.newaxis]
    lowest, highest = _mel(np.array([LOWEST_HZ, ENGINE_RATE / 2]))
    step = (highest - lowest) / (MELS + 1)
    left = lowest + np.arange(MELS) * step
    triangles = np.minimum(bins - left, left + 2 * step - bins) / step
    return window, np.pad(np.maximum(triangles, 0.0), ((0, 1), (0, 0)))


def _mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1127.0 * np.log1p(hz / 700.0)
