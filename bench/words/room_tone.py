"""The noise of a room in which nobody speaks, as a clip has it between its words."""

from typing import Final
from zlib import crc32

import numpy as np
from clips import Clip, silence

from auricle.engines.protocol import BLOCK, Samples

QUIETEST: Final = 0.05
"""Share of a clip's blocks that are taken for its room: even who speaks fast closes the lips as often."""


def room_tone(clip: Clip, count: int) -> Samples:
    """Return so many samples of noise, as loud and of the same spectrum as the quietest blocks of a clip.

    It is drawn, the same in every run. A clip without any noise of its own gets digital silence.
    """
    blocks = clip.samples[: len(clip.samples) // BLOCK * BLOCK].reshape(-1, BLOCK).astype(np.float64)
    powers = (blocks**2).mean(axis=1)
    noisy = blocks[powers > 0][np.argsort(powers[powers > 0])]
    if not len(noisy) or not count:
        return silence(clip, count)
    room = noisy[: max(1, round(QUIETEST * len(noisy)))]
    spectrum = np.sqrt((np.abs(np.fft.rfft(room * np.hanning(BLOCK))) ** 2).mean(axis=0))
    drawn = np.fft.rfft(np.random.default_rng(crc32(clip.name.encode())).standard_normal(count))
    tone = np.fft.irfft(drawn * np.interp(np.fft.rfftfreq(count), np.fft.rfftfreq(BLOCK), spectrum), count)
    tone *= np.sqrt((room**2).mean() / (tone**2).mean())
    return tone.astype(np.float32)
