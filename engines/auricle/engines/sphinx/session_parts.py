"""What of pocketsphinx runs with the sessions: the voice detector."""

from collections.abc import Mapping

from auricle.engines.audio.silero_vad import silero_detector
from auricle.engines.protocol import SessionParts


def session_parts(description: Mapping[str, object]) -> SessionParts:
    """Return the parts; the description does not matter."""
    return SessionParts(voice_detector=silero_detector)
