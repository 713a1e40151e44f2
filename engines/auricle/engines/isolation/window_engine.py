"""A window engine in another process, seen from here: the same calls, which outlive that process."""

from collections.abc import Sequence
from typing import Final

from auricle.engines.isolation.messages import Ready
from auricle.engines.isolation.process import EngineProcess
from auricle.engines.protocol import (
    ENGINE_RATE,
    EngineInfo,
    LoadProgress,
    SessionParts,
    StreamConfig,
    Transcript,
    VoiceDetector,
    Window,
)

WEDGED_S: Final = 60.0
"""A call that takes longer than this …"""
WEDGED_PER_S: Final = 20.0
"""… and so many times its audio will never come back: the largest models on small processors are faster."""


class IsolatedWindowEngine:
    """Made by `load_isolated`, loaded already."""

    def __init__(self, process: EngineProcess, ready: Ready) -> None:
        assert ready.lanes is not None
        self._process = process
        self._ready = ready
        self.lanes: Final = ready.lanes

    @property
    def info(self) -> EngineInfo:
        """Who answers."""
        return self._ready.info

    def load(self, progress: LoadProgress) -> None:
        """Nothing: it is loaded."""

    def voice_detector(self, config: StreamConfig) -> VoiceDetector:
        """Return a voice detector, which lives here."""
        return self._ready.parts.voice_detector(config)

    def session_parts(self) -> SessionParts:
        """Return what lives here."""
        return self._ready.parts

    def decode(self, windows: Sequence[Window]) -> Sequence[Transcript]:
        """Return one transcript for each window. Raises `EngineError`."""
        audio_s = sum(len(window.audio) for window in windows) / ENGINE_RATE
        transcripts: Sequence[Transcript] = self._process.call(
            "decode", windows, timeout_s=WEDGED_S + WEDGED_PER_S * audio_s
        )
        return transcripts

    def stop(self) -> None:
        """End the process, and with it all calls."""
        self._process.close()

    def close(self) -> None:
        """End the process."""
        self._process.close()
