"""The parent's side of a window engine in a child process. Calls are repeated when that process dies."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from auricle.engines.isolation.isolated_engine import IsolatedEngine
from auricle.engines.isolation.messages import Decode, Ready
from auricle.engines.isolation.remote_window_engine import RemoteWindowEngine
from auricle.engines.isolation.supervisor import Supervisor
from auricle.engines.protocol import SessionParts, Transcript, Window


class IsolatedWindowEngine(IsolatedEngine, RemoteWindowEngine):
    """A window engine that `load_isolated` has loaded."""

    def __init__(self, supervisor: Supervisor, ready: Ready, parts: SessionParts) -> None:
        super().__init__(supervisor, ready, parts)
        assert ready.lanes is not None
        self.lanes: Final = ready.lanes

    def decode_within(self, windows: Sequence[Window], budget_s: float) -> Sequence[Transcript]:
        """Do the same, in at most ``budget_s`` seconds or with another process. Raises `EngineError`."""
        return self._supervisor.call(partial(_decode, tuple(windows)), budget_s)

    def longest_call_s(self, budget_s: float) -> float:
        """Return the seconds after which such a call has returned or failed, with all processes that it is tried on."""
        return self._supervisor.longest_call_s(budget_s)


def _decode(windows: tuple[Window, ...], number: int) -> Decode:
    return Decode(number=number, windows=windows)
