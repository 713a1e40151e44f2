"""The interface of a voice embedder. Others register a factory under the entry-point group ``auricle.speakers``."""

from typing import Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from auricle.engines.protocol import LoadProgress, Samples

SHORTEST_AUDIO_S: Final = 0.4
"""Seconds of audio that an embedder is given, at least."""
Embedding = NDArray[np.float32]
"""A voice as a vector of length 1: the cosine of two is high where they are one person's."""


@runtime_checkable
class VoiceEmbedder(Protocol):
    """Tells voices apart. Called from one worker thread at a time."""

    @property
    def name(self) -> str:
        """What it is called, for logs and documents."""

    @property
    def threshold(self) -> float:
        """The cosine from which on two groups of stretches, on average, are taken for one person's."""

    def load(self, progress: LoadProgress) -> None:
        """Load the model. Raises `EngineUnavailable`, with a sentence that says what to do."""

    def embed(self, audio: Samples) -> Embedding:
        """Return the voice of ``audio``, at `ENGINE_RATE`, shape ``(n,)``, of `SHORTEST_AUDIO_S` or more.

        Raises `EngineError`.
        """
