"""What of the listening engines runs with the sessions: a voice detector that takes for speech what is not zero."""

from collections.abc import Mapping, Sequence

import numpy as np

from auricle.engines.protocol import Samples, SessionParts, StreamConfig, VoiceDetector


class Loudness:
    """A voice detector: probability 1.0 for every block with a sample that is not zero."""

    def __call__(self, blocks: Samples) -> Sequence[float]:
        """Return the probability of speech in each block."""
        return [float(np.any(block)) for block in blocks]


def _loudness(config: StreamConfig) -> VoiceDetector:
    return Loudness()


def session_parts(description: Mapping[str, object]) -> SessionParts:
    """Return the parts of a session; there is nothing to describe."""
    return SessionParts(voice_detector=_loudness)
