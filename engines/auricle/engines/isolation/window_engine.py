"""The parent's side of a window engine in a child process. Calls are repeated when that process dies."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from auricle.engines.isolation.messages import Decode, Ready
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
from auricle.engines.scheduling.budgets import first_call_budget_s
from auricle.engines.supervised import EngineProcess, EngineTrouble


class IsolatedWindowEngine:
    """A window engine that `load_isolated` has loaded."""

    def __init__(self, supervisor: Supervisor, ready: Ready, parts: SessionParts) -> None:
        assert ready.lanes is not None
        self._supervisor = supervisor
        self._ready = ready
        self._parts = parts
        self.lanes: Final = ready.lanes

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

    def decode(self, windows: Sequence[Window]) -> Sequence[Transcript]:
        """Return one transcript for each window, in order. Raises `EngineError`."""
        return self.decode_within(windows, first_call_budget_s(sum(len(w.audio) for w in windows) / ENGINE_RATE))

    def decode_within(self, windows: Sequence[Window], budget_s: float) -> Sequence[Transcript]:
        """Do the same, in at most ``budget_s`` seconds or with another process. Raises `EngineError`."""
        return self._supervisor.call(partial(_decode, tuple(windows)), budget_s)

    def longest_call_s(self, budget_s: float) -> float:
        """Return the seconds after which such a call has returned or failed, with all processes that it is tried on."""
        return self._supervisor.longest_call_s(budget_s)

    @property
    def trouble(self) -> EngineTrouble | None:
        """What keeps the process from answering now; None: nothing."""
        return self._supervisor.trouble

    @property
    def process(self) -> EngineProcess:
        """The process that it runs in."""
        return self._supervisor.process

    def stop(self) -> None:
        """Kill the process; pending calls raise `EngineError`."""
        self._supervisor.close()

    def close(self) -> None:
        """Kill the process."""
        self._supervisor.close()


def _decode(windows: tuple[Window, ...], number: int) -> Decode:
    return Decode(number=number, windows=windows)
