"""The clip that an engine is tried on, and how: a second of something like a voice.

It is computed, so that nothing has to be shipped or read. What an engine makes of it is of no interest, only that it
comes back.
"""

from typing import Final

import numpy as np

from auricle.engines.protocol import ENGINE_RATE, Samples, StatefulEngine, StreamConfig, Window

CLIP_S: Final = 1.0
PITCH_HZ: Final = 120.0
FORMANTS_HZ: Final = (700.0, 1_200.0, 2_600.0)
"""Of the vowel in *father*, about."""
WIDTH_HZ: Final = 150.0
PEAK: Final = 0.3


def clip() -> Samples:
    """Return a vowel that is hummed for `CLIP_S` seconds, at `ENGINE_RATE`."""
    at_s = np.arange(round(CLIP_S * ENGINE_RATE)) / ENGINE_RATE
    harmonics = PITCH_HZ * np.arange(1, int(ENGINE_RATE / 2 / PITCH_HZ))
    strength = sum(1.0 / (1.0 + ((harmonics - formant) / WIDTH_HZ) ** 2) for formant in FORMANTS_HZ)
    voice = np.asarray(strength) @ np.sin(2.0 * np.pi * harmonics[:, None] * at_s)
    swelling = np.sin(np.pi * at_s / CLIP_S)
    samples: Samples = (PEAK * swelling * voice / np.abs(voice).max()).astype(np.float32)
    return samples


def probe_window() -> Window:
    """Return the clip as a window, for an engine that decodes windows."""
    return Window(audio=clip(), config=StreamConfig(tried=True), final=False, timed=False)


def probe_utterance(engine: StatefulEngine) -> None:
    """Have the clip decoded as an utterance. For a worker thread. Raises whatever the engine raises."""
    utterance = engine.begin(StreamConfig(tried=True), 0)
    try:
        utterance.accept(clip())
        utterance.finish()
    finally:
        utterance.close()
