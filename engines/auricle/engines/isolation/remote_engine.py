"""What every engine has whose model is not in this process: its description, and what runs here."""

from auricle.engines.isolation.messages import Ready
from auricle.engines.protocol import EngineInfo, LoadProgress, SessionParts, StreamConfig, VoiceDetector


class RemoteEngine:
    """An engine that is loaded elsewhere when this object is created."""

    def __init__(self, ready: Ready, parts: SessionParts) -> None:
        self._ready = ready
        self._parts = parts

    @property
    def info(self) -> EngineInfo:
        """Description of the engine."""
        return self._ready.info

    def load(self, progress: LoadProgress) -> None:
        """Do nothing: the engine is loaded when this object is created."""

    def voice_detector(self, config: StreamConfig) -> VoiceDetector:
        """Return a voice detector for one session; it runs in this process."""
        return self._parts.voice_detector(config)

    def session_parts(self) -> SessionParts:
        """Return the factories of what runs in this process."""
        return self._parts
