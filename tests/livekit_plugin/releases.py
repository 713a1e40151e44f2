"""What only some releases of the framework have, so that tests of it are skipped on the others."""

from dataclasses import fields

import pytest
from livekit.agents import __version__
from livekit.agents.stt import SpeechEvent, STTCapabilities
from livekit.agents.voice import audio_recognition


def _has(kind: type, name: str) -> bool:
    return name in {field.name for field in fields(kind)}


NEEDS_MANUAL_FLUSH = pytest.mark.skipif(
    not _has(STTCapabilities, "manual_flush"), reason="this release of LiveKit Agents never flushes an STT"
)
NEEDS_END_TIME = pytest.mark.skipif(
    not _has(SpeechEvent, "speech_end_time") or __version__.startswith("1.7."),
    reason="this release of LiveKit Agents counts a turn from when it is told of its end",
)
NEEDS_CONVERSATION = pytest.mark.skipif(
    not hasattr(audio_recognition, "_STTPipelineContextVar"),
    reason="this release of LiveKit Agents does not say whose stream it opens",
)
