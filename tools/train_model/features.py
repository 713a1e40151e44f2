"""Log-mel frames exactly as faster-whisper makes them, before and after they are normalised."""

from functools import cache
from typing import Final

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

RATE: Final = 16_000
HOP: Final = 160
FRAMES_PER_S: Final = RATE // HOP
MELS: Final = 80
FLOOR: Final = -10.0
"""log10 of the least power that counts: digital silence."""
RANGE: Final = 8.0
"""What lies further below the loudest of a window is lifted to there."""


@cache
def _extractor() -> FeatureExtractor:
    return FeatureExtractor(feature_size=MELS)


def log_mel(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return log10 of the mel powers, shape (frames, mels), a frame for every `HOP` samples."""
    extractor = _extractor()
    window = np.hanning(extractor.n_fft + 1)[:-1].astype(np.float32)
    spectrum = extractor.stft(audio, extractor.n_fft, HOP, window=window, return_complex=True)
    powers = np.abs(spectrum[..., :-1].astype(np.complex64)) ** 2
    logs: NDArray[np.float32] = np.log10(np.clip(extractor.mel_filters @ powers, 1e-10, None)).T.astype(np.float32)
    return logs


def normalised(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return frames as the encoder takes them: those of one window, for its loudest sets the floor."""
    lifted = np.maximum(frames, frames.max() - RANGE)
    normal: NDArray[np.float32] = ((lifted + 4) / 4).astype(np.float32)
    return normal
