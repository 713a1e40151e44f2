"""The detector that has no opinion: silence alone ends a turn, however the words before it sounded."""

from auricle.engines.protocol import LoadProgress, Samples
from auricle.engines.turn_taking.protocol import TurnDetector


class SilenceDetector:
    """Always without an answer, so that `TurnRules.unknown_s` holds."""

    name = "silence"

    def load(self, progress: LoadProgress) -> None:
        """Do nothing: there is no model."""

    def probability(self, audio: Samples) -> float | None:
        """Return None."""
        return None


def create_detector() -> TurnDetector:
    """Return the detector. The entry point ``silence``."""
    return SilenceDetector()
