"""The interface of a turn detector. Third parties register a factory under the entry-point group ``auricle.turns``."""

from typing import Final, Protocol, runtime_checkable

from auricle.engines.protocol import LoadProgress, Samples

LONGEST_AUDIO_S: Final = 8.0
"""Seconds of audio before a pause that a detector is given, at most."""


@runtime_checkable
class TurnDetector(Protocol):
    """Judges from the audio whether a turn is over. Called from one worker thread, for all sessions."""

    @property
    def name(self) -> str:
        """What it is called, for logs and results."""

    def load(self, progress: LoadProgress) -> None:
        """Load the model. Raises `EngineUnavailable`, with a sentence that says what to do."""

    def probability(self, audio: Samples) -> float | None:
        """Return the probability in [0, 1] that the turn ends with this audio; None where it cannot tell.

        ``audio`` is what was said before a pause and a little of the pause itself, at `ENGINE_RATE`, shape ``(n,)``, at
        most `LONGEST_AUDIO_S`. Raises `EngineError`.
        """
