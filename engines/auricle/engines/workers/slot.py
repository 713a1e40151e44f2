"""One worker as the pool knows it. Whoever reads or changes one holds the pool's lock."""

from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field

from auricle.engines.supervised import WorkerState, WorkerStatus
from auricle.engines.workers.protocol import LoadAnswer, Worker, WorkerLost


@dataclass(slots=True, kw_only=True, eq=False)
class Slot:
    """A worker that starts or serves."""

    worker: Worker
    loading: "Future[LoadAnswer]"
    heard_s: float
    """When it last showed that it is alive; when it was asked for, until then."""
    node: str = ""
    is_serving: bool = False
    is_silent: bool = False
    is_busy: bool = False
    """Whether it has a call, also one that nobody waits for any more."""
    idle_since_s: float = 0.0
    calls: int = 0
    ping: "Future[object] | None" = None
    awaited: "Future[bytes] | None" = field(default=None)
    """Where whoever waits for its present call gets the answer, or that it will not come."""

    @property
    def is_free(self) -> bool:
        """Whether it can take a call."""
        return self.is_serving and not self.is_busy and not self.is_silent

    @property
    def status(self) -> WorkerStatus:
        """What it does."""
        return WorkerStatus(name=self.worker.name, node=self.node, state=self._state, calls=self.calls)

    @property
    def _state(self) -> WorkerState:
        if not self.is_serving:
            return "starting"
        if self.is_silent:
            return "silent"
        return "decoding" if self.is_busy else "idle"

    def give_up_call(self, why: str) -> None:
        """Let whoever waits for its call ask another worker."""
        if self.awaited is not None:
            with suppress(InvalidStateError):  # the answer has just come
                self.awaited.set_exception(WorkerLost(why))
