"""What parent and child say to each other, in the order of a conversation."""

from collections.abc import Callable
from dataclasses import dataclass

from auricle.engines.protocol import Engine, EngineInfo, Lanes, SessionParts

MakeEngine = Callable[[], Engine]
"""Makes the engine, in the child; must be picklable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Child: how far loading is."""

    stage: str
    fraction: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Child: the engine cannot be had. The last word of this child."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Child: the engine answers from now on."""

    info: EngineInfo
    parts: SessionParts
    lanes: Lanes | None
    """Of a window engine; None: it is a stateful one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Parent: call ``method`` of the child's call target."""

    number: int
    method: str
    arguments: tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Child: what came of a request."""

    number: int
    value: object = None
    error: Exception | None = None
    """An `EngineError`, or one of its kinds."""


class UnknownUtterance(Exception):
    """The child was not there when the utterance began: tell it again."""
