"""The messages of ``auricle.v1``: frozen, and valid from birth.

One class a message type, used by the side that sends it and by the side that receives it. Field names are the wire
names. Positions (``at``, ``upto``, ``audio``, ``credit`` …) are sample frames at the declared input rate, counted from
the first sample of the session; ``start``, ``end`` and ``time`` are seconds on the same timeline. Durable messages
carry ``seq`` (1, 2, 3 … without a gap). Source: notes/wire-protocols.md §3.3 and §3.4.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar, Literal, get_args
from typing import Final as Constant

from auricle.core import schema
from auricle.core.parts import (
    AudioFormat,
    Bias,
    ClosedStats,
    CloseReason,
    Endpointing,
    Features,
    FinalDetails,
    FinalReason,
    Identifier,
    Part,
    Probability,
    Product,
    ResumeOffer,
    Sample,
    Seconds,
    ServerInfo,
    Word,
)
from auricle.core.schema import MaxLength, Range

PROTOCOL: Constant = "auricle.v1"
"""The WebSocket subprotocol name; its number is the major version."""
StateName = Literal["ready", "streaming", "input_ended", "draining", "closed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Part):
    """Anything that crosses the wire as one frame."""

    type: ClassVar[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Durable(Message):
    """A message that is part of the record: numbered without a gap, replayed on resume."""

    seq: Annotated[int, Range(1)]


# ---------------------------------------------------------------------------- client to server


@dataclass(frozen=True, slots=True, kw_only=True)
class Start(Message):
    """Must be the first message. ``language`` null means: detect it."""

    type: ClassVar[str] = "start"
    audio: AudioFormat = AudioFormat()
    language: Annotated[str, MaxLength(35)] | None = None
    task: Literal["transcribe", "translate"] = "transcribe"
    model: Annotated[str, MaxLength(200)] | None = None
    features: Features = Features()
    endpointing: Endpointing = Endpointing()
    bias: Bias = Bias()
    resume: bool = True
    """Whether the session shall survive its connection; the server may decline (``ready.resume`` null)."""
    require: Annotated[tuple[Annotated[str, MaxLength(64)], ...], MaxLength(16)] = ()
    t0: Annotated[str, MaxLength(64)] | None = None
    timeline_origin: Sample | None = None
    """Position of the first sample: a session that continues a lost one goes on counting where that was committed."""
    segment_origin: Sample | None = None
    """Number of the first segment, for the same reason."""
    client: Product | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio(Message):
    """A binary frame: bytes of audio in the declared format. It may end in the middle of a sample."""

    type: ClassVar[str] = "audio"
    data: bytes

    def __post_init__(self) -> None:
        """Check by hand: this is the one message on the path of every audio frame."""
        if not isinstance(self.data, bytes):
            raise schema.FieldError("/data", "must be bytes")

    def __repr__(self) -> str:
        return f"Audio({len(self.data)} bytes)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flush(Message):
    """Finalise everything before ``at`` (absent: everything sent so far)."""

    type: ClassVar[str] = "flush"
    id: Identifier
    at: Sample | None = None
    end_turn: bool | None = None
    finalise: bool = True
    """False: only mark the position; the answer comes once everything before it has been decided anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Message):
    """The timeline goes on by ``samples`` for which there is no audio: a muted microphone, lost packets."""

    type: ClassVar[str] = "gap"
    samples: Annotated[int, Range(1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Configure(Message):
    """Change ``set`` from here on: the audio before is decided as it was configured then (O7).

    An absent key is unchanged, null means the default of ``start``, and anything else replaces what was there.
    """

    type: ClassVar[str] = "configure"
    id: Identifier
    set: Mapping[str, object] = field(hash=False)

    def __post_init__(self) -> None:
        """Check the change as ``start`` would be checked."""
        schema.check(self)
        changed(Start(), self.set)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndInput(Message):
    """No more audio will come. ``total`` is what the client says it has sent."""

    type: ClassVar[str] = "end_input"
    total: Sample | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(Message):
    """Stop now; what is not final is not wanted."""

    type: ClassVar[str] = "cancel"
    reason: Annotated[str, MaxLength(200)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping(Message):
    """A sign of life that wants one back."""

    type: ClassVar[str] = "ping"
    id: Identifier | None = None
    t: float | None = None
    seen: Sample | None = None
    """The last durable ``seq`` that has arrived: the server need not keep what comes before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(Message):
    """The first message on a new connection of a session that has lost its old one.

    ``seen`` is the last durable ``seq`` that arrived, ``sent`` the position up to which audio has been sent.
    Nothing but ``ping`` and ``cancel`` may follow before ``resumed``.
    """

    type: ClassVar[str] = "resume"
    session: Identifier
    token: Annotated[str, MaxLength(200)]
    seen: Sample
    sent: Sample
    attempt: Sample = 0
    """Counts the connections of the session, from 1: an older one that arrives late does not take it from a newer."""


CHANGEABLE: Constant = ("language", "bias", "endpointing", "features")
"""What ``configure`` may set: fields of ``start``."""


def changed(config: Start, change: Mapping[str, object]) -> schema.Parsed:
    """Return the `Start` that ``change`` makes of ``config``, and pointers to what was not understood in it.

    Raises `schema.FieldError` for a value that ``start`` would not take either.
    """
    known = {key: value for key, value in change.items() if key in CHANGEABLE}
    asked = {key: value for key, value in known.items() if value is not None}
    parsed = schema.parse(Start, asked, "/set")
    new = {key: getattr(parsed.value, key) for key in known}
    unknown = tuple(f"/set/{key}" for key in change if key not in CHANGEABLE)
    return schema.Parsed(replace(config, **new), (*unknown, *parsed.ignored))


# ---------------------------------------------------------------------------- server to client


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed(Message):
    """The session goes on: on this connection now, from sample ``next``.

    Every durable message after ``resume.seen`` follows. ``token`` is for the next time; the one just used is void
    as soon as the server hears anything but ``ping`` and ``cancel`` on this connection.
    """

    type: ClassVar[str] = "resumed"
    session: Identifier
    next: Sample
    state: StateName
    credit: Sample
    token: Annotated[str, MaxLength(200)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack(Message):
    """Watermarks: all monotone, ``committed <= processed <= received <= credit`` (O12)."""

    type: ClassVar[str] = "ack"
    received: Sample
    processed: Sample
    committed: Sample
    credit: Sample
    discard_before: Sample


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


# ---------------------------------------------------------------------------- what is not one of these


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(Message):
    """A well-formed message of a type this version does not know. A durable one still counts in ``seq``."""

    type: ClassVar[str] = "?"
    name: str
    seq: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed(Message):
    """A frame that is no message at all. ``code`` is one of the error codes of wire-protocols §3.9."""

    type: ClassVar[str] = "!"
    code: str
    why: str
    param: str | None = None
    ref: str | None = None
    """The id of a ``configure`` that asks for something impossible: refused without ending the session."""


ClientMessage = Start | Resume | Audio | Gap | Flush | Configure | EndInput | Cancel | Ping
ServerMessage = (
    Loading | Ready | Resumed | Ack | SpeechStart | SpeechEnd | Partial | Final | Flushed | Configured
    | InputEnded | WarningMessage | ErrorMessage | Pong | Stats | Closed
)  # fmt: skip

CLIENT_MESSAGES: Constant[Mapping[str, type[Message]]] = {cls.type: cls for cls in get_args(ClientMessage)}
SERVER_MESSAGES: Constant[Mapping[str, type[Message]]] = {cls.type: cls for cls in get_args(ServerMessage)}
