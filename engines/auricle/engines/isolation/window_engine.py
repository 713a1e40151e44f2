"""The parent's side of a window engine in a child process. Calls are repeated when that process dies."""

from collections.abc import Sequence
from typing import Final

from auricle.engines.isolation.messages import Ready
from auricle.engines.isolation.supervisor import Supervisor
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

CALL_TIMEOUT_S: Final = 30.0
"""Seconds after which a call that has not returned is taken to be wedged …"""
CALL_TIMEOUT_PER_S: Final = 3.0
"""… plus this many for each second of audio, which is more than the largest models take on small processors. With the
longest window it is less than a session waits for an engine that stands still (`Limits.stall_timeout_s`)."""


class IsolatedWindowEngine:
    """A window engine that `load_isolated` has loaded."""

    def __init__(self, supervisor: Supervisor, ready: Ready) -> None:
        assert ready.lanes is not None
        self._supervisor = supervisor
        self._ready = ready
        self.lanes: Final = ready.lanes

    @property
    def info(self) -> EngineInfo:
        """Description of the engine."""
        return self._ready.info

    def load(self, progress: LoadProgress) -> None:
        """Do nothing: the engine is loaded when this object is created."""

    def voice_detector(self, config: StreamConfig) -> VoiceDetector:
        """Return a voice detector for one session; it runs in this process."""
        return self._ready.parts.voice_detector(config)

    def session_parts(self) -> SessionParts:
        """Return the factories of what runs in this process."""
        return self._ready.parts

    def decode(self, windows: Sequence[Window]) -> Sequence[Transcript]:
        """Return one transcript for each window, in order. Raises `EngineError`."""
        audio_s = sum(len(window.audio) for window in windows) / ENGINE_RATE
        transcripts: Sequence[Transcript] = self._supervisor.call(
            "decode", windows, timeout_s=CALL_TIMEOUT_S + CALL_TIMEOUT_PER_S * audio_s
        )
        return transcripts

    def stop(self) -> None:
        """Kill the process; pending calls raise `EngineError`."""
        self._supervisor.close()

    def close(self) -> None:
        """Kill the process."""
        self._supervisor.close()
