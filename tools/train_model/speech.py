"""What a synthesiser gives: samples, and the words in them with their times."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class SpokenWord(NamedTuple):
    """A word as it was spoken; times in seconds of its recording."""

    text: str
    start: float
    end: float


class Speech(NamedTuple):
    """Mono samples in [-1, 1] and the words in them."""

    audio: NDArray[np.float32]
    rate: int
    words: tuple[SpokenWord, ...]


def from_pcm(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return 16-bit samples as numbers in [-1, 1]."""
    scaled: NDArray[np.float32] = np.divide(samples, 32768, dtype=np.float32)
    return scaled
