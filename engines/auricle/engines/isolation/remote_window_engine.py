"""What every window engine has whose model is not in this process: calls that are given up after a while."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from auricle.engines.isolation.remote_engine import RemoteEngine
from auricle.engines.protocol import ENGINE_RATE, Transcript, Window
from auricle.engines.scheduling.budgets import first_call_budget_s


class RemoteWindowEngine(RemoteEngine, ABC):
    """A window engine that is loaded elsewhere when this object is created."""

    def decode(self, windows: Sequence[Window]) -> Sequence[Transcript]:
        """Return one transcript for each window, in order. Raises `EngineError`."""
        return self.decode_within(windows, first_call_budget_s(sum(len(w.audio) for w in windows) / ENGINE_RATE))

    @abstractmethod
    def decode_within(self, windows: Sequence[Window], budget_s: float) -> Sequence[Transcript]:
        """Do the same, in at most ``budget_s`` seconds or with another try. Raises `EngineError`."""
