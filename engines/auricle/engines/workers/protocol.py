"""What the pool asks of an existing engine for distribution: workers that are placed, called, and known to be lost."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

Pieces = Sequence[bytes]
"""A message in pieces, as `auricle.engines.workers.payload` writes it."""


LoadAnswer = tuple[str, str, bytes]
"""The name of a worker's node, the version of Auricle there, and the answer of `EngineHost.load`."""


class WorkerLost(Exception):
    """The worker has ended, or cannot be reached. One sentence."""


class NodeLost(WorkerLost):
    """Its node is gone, or cannot be reached, which says nothing against another one in its place. One sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """What a worker is to run: an engine that a function creates, ``module:name``, with arguments of plain JSON."""

    create: str
    arguments: tuple[object, ...]
    device: str | None
    """``cuda`` gives each worker a GPU; anything else processors."""
    threads: int
    """How many processors."""


class Worker(Protocol):
    """One worker. Its methods return at once; what they return fails with `WorkerLost` where the worker is lost."""

    @property
    def name(self) -> str:
        """Its name, another one for each."""

    def load(self) -> "Future[LoadAnswer]":
        """Load the engine, and return what comes of it."""

    def decode(self, request: Pieces) -> "Future[bytes]":
        """Decode, and return the answer of `EngineHost.decode`."""

    def ping(self) -> "Future[object]":
        """Answer, whatever else it does."""

    def kill(self) -> None:
        """End it now. Safe to call twice, and when it is lost."""


class Cluster(Protocol):
    """Where workers run. Called from one thread at a time."""

    def room(self) -> int:
        """Return how many workers the cluster could hold as it is now, with those that are there."""

    def start(self) -> Worker:
        """Ask for one worker more. It begins when there is room for it."""

    def nodes(self) -> Mapping[str, bool]:
        """Return the nodes by name, and whether each is alive."""

    def close(self) -> None:
        """Leave the cluster, and end the workers that were started."""
