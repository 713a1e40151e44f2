"""Engines that are watched: they say what keeps them from answering, and end calls that do not return."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from auricle.engines.protocol import Engine, EngineError, Transcript, Window, WindowEngine


class CallGivenUp(EngineError):
    """A call has been tried as often as makes sense: it ended the engine's process each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineTrouble:
    """Why an engine does not answer as it should."""

    why: str
    """One sentence for operators and users."""
    lasting: bool
    """Whether nobody knows when it will answer: new sessions are refused. Otherwise it is a matter of seconds."""


WorkerState = Literal["starting", "idle", "decoding", "silent"]
"""``silent``: it has not said for a while that it is alive, and gets no calls until it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus:
    """One of the workers that an engine's calls are made on."""

    name: str
    node: str
    """Where it runs; empty while it starts."""
    state: WorkerState
    calls: int
    """How many it has answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersStatus:
    """The workers of an engine, wherever they run."""

    address: str
    """How the operator named them."""
    wanted: int
    """How many there should be: what there is room for, or what the operator allows."""
    workers: tuple[WorkerStatus, ...]
    refused: tuple[str, ...]
    """Why workers could not be used, one sentence for each reason, the latest last."""
    lost: int
    """How many were lost in the middle of their work, or fell silent for good."""
    answered: int
    """How many calls were answered, by those that were lost since, too."""
    repeated: int
    """How many calls were made again, for their worker was lost or silent."""


@runtime_checkable
class DistributedEngine(WindowEngine, Protocol):
    """A window engine whose calls are made on workers of a cluster, one at a time each. They come and go.

    ``lanes.count`` is how many there are just now, and may be 0; everything else stays as it is.
    """

    @property
    def workers(self) -> WorkersStatus:
        """What its workers do just now."""


@runtime_checkable
class SupervisedEngine(Engine, Protocol):
    """An engine that is watched, such as one in a process of its own."""

    @property
    def trouble(self) -> EngineTrouble | None:
        """What keeps it from answering now; None: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineProcess:
    """The process that an engine runs in."""

    pid: int | None
    """Its number; None while none runs."""
    restarts: int
    """How often another one has taken its place."""


@runtime_checkable
class ProcessEngine(SupervisedEngine, Protocol):
    """An engine in a process of its own."""

    @property
    def process(self) -> EngineProcess:
        """The process as it is now."""


@runtime_checkable
class BudgetedEngine(WindowEngine, Protocol):
    """A window engine that ends a call which takes too long, and repeats it: one in a process of its own."""

    def decode_within(self, windows: Sequence[Window], budget_s: float) -> Sequence[Transcript]:
        """Do the same as `decode`; an attempt that takes longer than ``budget_s`` is wedged. Raises `EngineError`."""

    def longest_call_s(self, budget_s: float) -> float:
        """Return the seconds after which such a call has returned or failed, whatever happens."""
