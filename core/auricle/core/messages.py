"""The messages of ``auricle.v1``: frozen, and valid from birth.

One class a message type, used by the side that sends it and by the side that receives it. Field names are the wire
names. Positions (``at``, ``upto``, ``audio``, ``credit`` …) are sample frames at the declared input rate, counted from
the first sample of the session; ``start``, ``end`` and ``time`` are seconds on the same timeline. Durable messages
carry ``seq`` (1, 2, 3 … without a gap). Source: notes/wire-protocols.md §3.3 and §3.4.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal, get_args
from typing import Final as Constant

from auricle.core import schema
from auricle.core.schema import MaxLength, Range

PROTOCOL: Constant = "auricle.v1"
"""The WebSocket subprotocol name; its number is the major version."""

Sample = Annotated[int, Range(0)]
Seconds = Annotated[float, Range(0)]
Probability = Annotated[float, Range(0, 1)]
Identifier = Annotated[str, MaxLength(64)]

Encoding = Literal["pcm_s16le", "pcm_f32le", "mulaw", "alaw"]
SAMPLE_BYTES: Constant[Mapping[str, int]] = {"pcm_s16le": 2, "pcm_f32le": 4, "mulaw": 1, "alaw": 1}
"""Bytes of one sample of one channel, for each encoding this implementation accepts."""

FinalReason = Literal["endpoint", "max_length", "stability", "flush", "end_input", "configure"]
CloseReason = Literal["completed", "cancelled", "error", "session_limit", "idle", "shutdown", "superseded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a message. Raises `schema.FieldError` when a field is not what its annotation allows."""

    def __post_init__(self) -> None:
        schema.check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFormat(Part):
    """How the binary frames are to be read."""

    encoding: Annotated[str, MaxLength(32)] = "pcm_s16le"
    sample_rate: Annotated[int, Range(4_000, 192_000)] = 16_000
    channels: Annotated[int, Range(1, 8)] = 1
    framing: Annotated[str, MaxLength(32)] = "raw"

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample frame (all channels). Raises `KeyError` for an encoding we do not know."""
        return SAMPLE_BYTES[self.encoding] * self.channels


@dataclass(frozen=True, slots=True, kw_only=True)
class Features(Part):
    """What the client wants to be told."""

    partials: bool = True
    words: bool = False
    speech_events: bool = True
    turns: bool = False
    acks: bool = True
    stats_ms: Annotated[int, Range(100, 60_000)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpointing(Part):
    """When a silence ends an utterance, and how long one may get."""

    silence_ms: Annotated[int, Range(100, 10_000)] | None = None
    max_segment_ms: Annotated[int, Range(1_000, 28_000)] | None = None
    eager: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bias(Part):
    """Words that are likely to be said."""

    terms: Annotated[tuple[Annotated[str, MaxLength(200)], ...], MaxLength(500)] = ()
    prompt: Annotated[str, MaxLength(2_000)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Product(Part):
    """Who is speaking: a name and a version, for logs."""

    name: Annotated[str, MaxLength(100)]
    version: Annotated[str, MaxLength(100)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo(Part):
    """The engine that really answers."""

    name: str
    version: str | None = None
    model: str | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Word(Part):
    """One word. ``start`` and ``end`` are seconds of session time."""

    text: str
    start: Seconds
    end: Seconds
    confidence: Probability | None = None
    speaker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedStats(Part):
    """The accounting. Sample counts, then measures.

    ``committed`` = samples covered by finals + ``non_speech`` + ``dropped``; ``late`` came after the end of input and
    is not part of ``received``.
    """

    received: Sample
    processed: Sample
    committed: Sample
    non_speech: Sample = 0
    gap: Sample = 0
    late: Sample = 0
    dropped: Sample = 0
    audio_s: Seconds = 0.0
    wall_s: Seconds = 0.0
    segments: Sample = 0
    words: Sample = 0
    rtf: Annotated[float, Range(0)] | None = None


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
    resume: bool = False
    require: Annotated[tuple[Annotated[str, MaxLength(64)], ...], MaxLength(16)] = ()
    t0: Annotated[str, MaxLength(64)] | None = None
    timeline_origin: Sample | None = None
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
    server: ServerInfo | None = None


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


ClientMessage = Start | Audio | Flush | EndInput | Cancel | Ping
ServerMessage = (
    Loading | Ready | Ack | SpeechStart | SpeechEnd | Partial | Final | Flushed
    | InputEnded | WarningMessage | ErrorMessage | Pong | Closed
)  # fmt: skip

CLIENT_MESSAGES: Constant[Mapping[str, type[Message]]] = {cls.type: cls for cls in get_args(ClientMessage)}
SERVER_MESSAGES: Constant[Mapping[str, type[Message]]] = {cls.type: cls for cls in get_args(ServerMessage)}
