"""What every window engine has whose model is not in this process: its description, and what runs here."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from auricle.engines.isolation.messages import Ready
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
from auricle.engines.scheduling.budgets import first_call_budget_s


class RemoteWindowEngine(ABC):
    """A window engine that is loaded elsewhere when this object is created."""

    def __init__(self, ready: Ready, parts: SessionParts) -> None:
        self._ready = ready
        self._parts = parts

    @property
    def info(self) -> EngineInfo:
        """Description of the engine."""
        return self._ready.info

    def load(self, progress: LoadProgress) -> None:  # noqa: B027 - none of them has anything to do
        """Do nothing: the engine is loaded when this object is created."""

    def voice_detector(self, config: StreamConfig) -> VoiceDetector:
        """Return a voice detector for one session; it runs in this process."""
        return self._parts.voice_detector(config)

    def session_parts(self) -> SessionParts:
        """Return the factories of what runs in this process."""
        return self._parts

    def decode(self, windows: Sequence[Window]) -> Sequence[Transcript]:
        """Return one transcript for each window, in order. Raises `EngineError`."""
        return self.decode_within(windows, first_call_budget_s(sum(len(w.audio) for w in windows) / ENGINE_RATE))

    @abstractmethod
    def decode_within(self, windows: Sequence[Window], budget_s: float) -> Sequence[Transcript]:
        """Do the same, in at most ``budget_s`` seconds or with another try. Raises `EngineError`."""
