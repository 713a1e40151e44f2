"""What of Whisper runs with the sessions: the voice detector, and the features of their audio."""

from collections.abc import Mapping
from functools import partial

from auricle.engines.audio.silero_vad import silero_detector
from auricle.engines.plain_data import from_plain
from auricle.engines.protocol import SessionParts
from auricle.engines.whisper.log_mel import LogMels


def session_parts(description: Mapping[str, object]) -> SessionParts:
    """Return the parts for a model with so many ``mels``. Raises `PlainDataError` for another description."""
    return SessionParts(
        voice_detector=silero_detector,
        features=partial(LogMels, from_plain(int, description.get("mels"), at="/mels")),
    )
