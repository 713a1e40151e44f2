"""The messages between the parent and the child process, in the order in which they are sent. All are plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from auricle.engines.protocol import EngineInfo, Lanes, Samples, StreamConfig, Transcript, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """From the parent, first: import as it does, create an engine, and load it."""

    search_path: tuple[str, ...]
    """`sys.path` of the parent."""
    create: str
    """The function that creates the engine: ``module:name``."""
    arguments: tuple[object, ...]
    """Its arguments."""


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
    parts: Mapping[str, object]
    """What the parent makes its part of the sessions of (`PartedEngine.parts_description`)."""
    lanes: Lanes | None
    """Those of a window engine; None for a stateful engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decode:
    """From the parent: decode windows. All requests have a number of their own."""

    number: int
    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginUtterance:
    """From the parent: begin an utterance with the audio so far; replace one with the same number."""

    number: int
    utterance: int
    config: StreamConfig
    start_sample: int
    audio: Samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """From the parent: decode more audio of an utterance."""

    number: int
    utterance: int
    audio: Samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """From the parent: say the hypothesis for an utterance so far."""

    number: int
    utterance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """From the parent: end an utterance, and say its transcript."""

    number: int
    utterance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """From the parent: release the decoder of an utterance, if it has one."""

    number: int
    utterance: int


Request = Decode | BeginUtterance | Accept | Hypothesis | Finish | Release


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """From the child: the outcome of the request with the same number."""

    number: int
    transcripts: tuple[Transcript, ...] = ()
    """One for each window, one for a hypothesis or a finished utterance, none otherwise."""
    error: str | None = None
    """Why the engine failed, in one sentence; None when it did not."""
    unknown_utterance: bool = False
    """The utterance was begun in an earlier child process: begin it again with all of its audio."""


FROM_PARENT: Final = (Begin, Decode, BeginUtterance, Accept, Hypothesis, Finish, Release)
FROM_CHILD: Final = (Progress, LoadFailed, Ready, Reply)


class UnknownUtterance(Exception):
    """A request names an utterance that the child process does not have (`Reply.unknown_utterance`)."""
