"""The messages that a server sends.

Source: notes/wire-protocols.md §3.3 and §3.4.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal
from typing import Final as Constant

from auricle.core.messages.base import Durable, Message
from auricle.core.parts import (
    ClosedStats,
    CloseReason,
    FinalDetails,
    FinalReason,
    Identifier,
    Probability,
    ResumeOffer,
    Sample,
    Seconds,
    ServerInfo,
    SpeakerSpan,
    TurnTrigger,
    Word,
)
from auricle.core.schema import MaxLength, Range

PROTOCOL: Constant = "auricle.v1"
"""The WebSocket subprotocol name; its number is the major version."""
StateName = Literal["ready", "streaming", "input_ended", "draining", "closed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading(Message):
    """The session is wanted, the model is not there yet. ``progress`` in [0, 1] where it is known."""

    type: ClassVar[str] = "loading"
    stage: Annotated[str, MaxLength(200)]
    progress: Probability | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready(Durable):
    """The session is open. ``credit`` is the highest sample the client may send, as an absolute position."""

    type: ClassVar[str] = "ready"
    session: Identifier
    credit: Sample
    message: str = "ready"
    protocol: str = PROTOCOL
    effective: Mapping[str, object] = field(default_factory=dict, hash=False)
    ignored: tuple[str, ...] = ()
    limits: Mapping[str, object] = field(default_factory=dict, hash=False)
    resume: ResumeOffer | None = None
    """How to come back after the connection is lost; null: the session ends with it."""
    server: ServerInfo | None = None

    @property
    def detects_turns(self) -> bool:
        """Whether the server says by what it tells that a turn is over."""
        return self.server is not None and self.server.turn_detector is not None

    @property
    def tells_speakers_apart(self) -> bool:
        """Whether the server says by what it tells who speaks."""
        return self.server is not None and self.server.speakers is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed(Message):
    """The session goes on: on this connection now, from sample ``next``.

    Every durable message after ``resume.seen`` follows. ``token`` is for the next time; the one just used is void
    as soon as the server hears anything but ``cancel`` and a ``ping`` without ``resumed`` on this connection.
    """

    type: ClassVar[str] = "resumed"
    session: Identifier
    next: Sample
    state: StateName
    credit: Sample
    token: Annotated[str, MaxLength(200)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack(Message):
    """Watermarks: all monotone, ``committed <= processed <= received <= credit`` (O12).

    ``moves`` counts how often the engine's queue has moved while this session waited in it.
    """

    type: ClassVar[str] = "ack"
    received: Sample
    processed: Sample
    committed: Sample
    credit: Sample
    discard_before: Sample
    moves: Sample | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStart(Durable):
    """Somebody began to speak at sample ``at``."""

    type: ClassVar[str] = "speech_start"
    at: Sample
    time: Seconds
    channel: Sample = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechEnd(Durable):
    """The speech that had started ended at sample ``at``."""

    type: ClassVar[str] = "speech_end"
    at: Sample
    time: Seconds
    channel: Sample = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial(Message):
    """What the open segment sounds like so far. ``text[:stable]`` will not change any more."""

    type: ClassVar[str] = "partial"
    segment: Sample
    rev: Annotated[int, Range(1)]
    text: str
    start: Seconds
    end: Seconds
    stable: Sample = 0
    pause: Seconds | None = None
    channel: Sample = 0
    confidence: Probability | None = None
    words: tuple[Word, ...] | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Final(Durable):
    """A segment, immutable. ``audio`` is the half-open range of samples it accounts for."""

    type: ClassVar[str] = "final"
    segment: Sample
    text: str
    start: Seconds
    end: Seconds
    confidence: Probability
    audio: tuple[Sample, Sample]
    reason: FinalReason
    channel: Sample = 0
    words: tuple[Word, ...] | None = None
    language: str | None = None
    details: FinalDetails | None = None
    """What the engine made of it, where it says: for those who judge engines, not for users."""
    flush: Identifier | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotate(Durable):
    """Who speaks in a segment whose final has been said (O4). What was said of it before does not hold any more."""

    type: ClassVar[str] = "annotate"
    segment: Sample
    speakers: tuple[SpeakerSpan, ...]
    channel: Sample = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnMaybeEnd(Durable):
    """The open turn seems to be over. Its ``turn_end`` has just this text, or ``turn_resumed`` comes first (O11)."""

    type: ClassVar[str] = "turn_maybe_end"
    turn: Sample
    segments: tuple[Sample, Sample]
    text: str
    at: Sample
    time: Seconds
    confidence: Probability | None = None
    channel: Sample = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnResumed(Durable):
    """The open turn goes on: what ``turn_maybe_end`` said does not hold any more."""

    type: ClassVar[str] = "turn_resumed"
    turn: Sample
    at: Sample
    time: Seconds
    channel: Sample = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEnd(Durable):
    """A turn is over. It consists of the finals since the last one, all of which have been said (O11)."""

    type: ClassVar[str] = "turn_end"
    turn: Sample
    segments: tuple[Sample, Sample]
    text: str
    at: Sample
    time: Seconds
    trigger: TurnTrigger
    confidence: Probability | None = None
    channel: Sample = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Flushed(Durable):
    """The answer to a flush: every sample before ``upto`` is accounted for, by finals or as non-speech."""

    type: ClassVar[str] = "flushed"
    id: Identifier
    upto: Sample
    last_segment: Sample | None = None
    empty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured(Durable):
    """The answer to ``configure``.

    Finals up to sample ``from`` used the old configuration, later ones use ``effective`` (O7).
    """

    type: ClassVar[str] = "configured"
    id: Identifier
    from_: Sample
    effective: Mapping[str, object] = field(default_factory=dict, hash=False)
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InputEnded(Durable):
    """The server holds ``received`` samples and will take no more. ``deadline_ms``: how long the rest may take."""

    type: ClassVar[str] = "input_ended"
    received: Sample
    by: Literal["client", "server"]
    pending_ms: Sample = 0
    deadline_ms: Sample = 0
    code: Annotated[str, MaxLength(64)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningMessage(Durable):
    """Something is off; nothing is lost."""

    type: ClassVar[str] = "warning"
    code: Annotated[str, MaxLength(64)]
    message: str
    ref: str | None = None
    backlog_ms: Sample | None = None
    """``falling_behind``: how much audio waits to be heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorMessage(Durable):
    """Something failed. A fatal error is followed by ``closed``; ``audio`` names samples that are lost."""

    type: ClassVar[str] = "error"
    code: Annotated[str, MaxLength(64)]
    message: str
    fatal: bool
    retriable: bool = False
    retry_after_ms: Sample | None = None
    ref: str | None = None
    param: str | None = None
    status: int | None = None
    audio: tuple[Sample, Sample] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong(Message):
    """The answer to a ping; ``now`` is the server's clock in seconds, of no meaning but its differences."""

    type: ClassVar[str] = "pong"
    now: float
    id: Identifier | None = None
    t: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats(Message):
    """How the server fares with this session, as often as ``features.stats_ms`` asks."""

    type: ClassVar[str] = "stats"
    backlog_ms: Sample
    """Audio that has come and not been heard yet."""
    rtf: Annotated[float, Range(0)] | None = None
    """Seconds since ``ready`` for each second of audio heard: below 1 the server is ahead of real time."""
    loop_lag_ms: Sample | None = None
    """How late the server's own timer for this message was."""
    queue_ms: Sample | None = None
    speech_prob: Probability | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(Durable):
    """The last message of a session. ``complete`` is true only when every received sample is committed."""

    type: ClassVar[str] = "closed"
    reason: CloseReason
    code: int
    complete: bool
    stats: ClosedStats
