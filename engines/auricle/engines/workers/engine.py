"""The window engine that the scheduler sees: each lane is a worker, and lanes come and go with them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from auricle.engines.isolation.messages import Ready
from auricle.engines.isolation.remote_window_engine import RemoteWindowEngine
from auricle.engines.protocol import Lanes, SessionParts, Transcript, Window
from auricle.engines.scheduling.budgets import longest_call_s
from auricle.engines.supervised import EngineTrouble, WorkersStatus
from auricle.engines.workers.pool import WAIT_S, WorkerPool


class DistributedWindowEngine(RemoteWindowEngine):
    """A window engine that `load_on_workers` has loaded."""

    def __init__(self, pool: WorkerPool, ready: Ready, parts: SessionParts) -> None:
        super().__init__(ready, parts)
        assert ready.lanes is not None
        self._pool = pool
        self._lanes: Final = ready.lanes

    @property
    def lanes(self) -> Lanes:
        """One for each worker there is just now, which has one call at a time."""
        return replace(self._lanes, count=self._pool.serving)

    def decode_within(self, windows: Sequence[Window], budget_s: float) -> Sequence[Transcript]:
        """Do the same, in at most ``budget_s`` seconds or on another worker. Raises `EngineError`."""
        return self._pool.call(tuple(windows), budget_s)

    def longest_call_s(self, budget_s: float) -> float:
        """Return the seconds after which such a call has returned or failed, with all workers that it is tried on."""
        return longest_call_s(budget_s, WAIT_S)

    @property
    def trouble(self) -> EngineTrouble | None:
        """What keeps the workers from answering now; None: nothing."""
        return self._pool.trouble

    @property
    def workers(self) -> WorkersStatus:
        """What the workers do just now."""
        return self._pool.status

    def stop(self) -> None:
        """End the workers; pending calls raise `EngineError`."""
        self._pool.close()

    def close(self) -> None:
        """End the workers."""
        self._pool.close()
