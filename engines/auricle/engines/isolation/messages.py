"""The messages between the parent and the child process, in the order in which they are sent."""

from collections.abc import Callable
from dataclasses import dataclass

from auricle.engines.protocol import Engine, EngineInfo, Lanes, SessionParts

MakeEngine = Callable[[], Engine]
"""Creates the engine, in the child process; must be picklable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """From the child: the stage of loading, with the fraction done in [0, 1] where it is known."""

    stage: str
    fraction: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFailed:
    """From the child: the engine could not be loaded, ``message`` in one sentence. The child's last message."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """From the child: the engine is loaded and takes requests."""

    info: EngineInfo
    parts: SessionParts
    lanes: Lanes | None
    """Those of a window engine; None for a stateful engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """From the parent: call ``method`` of the child's `CallTarget`."""

    number: int
    method: str
    arguments: tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """From the child: the outcome of the request with the same number."""

    number: int
    value: object = None
    error: Exception | None = None
    """An `EngineError` or `UnknownUtterance`; None when the call returned."""


class UnknownUtterance(Exception):
    """The utterance was begun in an earlier child process: begin it again with all of its audio."""
