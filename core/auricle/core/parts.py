"""The pieces that messages are made of: what a configuration, a word and an accounting hold.

Field names are the wire names. Source: notes/wire-protocols.md §3.3 and §3.4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal
from typing import Final as Constant

from auricle.core import schema
from auricle.core.schema import LAST_POSITION, MAX_INTEGER, MaxLength, Range

Sample = Annotated[int, Range(0)]
Origin = Annotated[int, Range(0, LAST_POSITION)]
"""Where a timeline or the numbers of its segments begin: there is room for a session after it."""
Seconds = Annotated[float, Range(0)]
Probability = Annotated[float, Range(0, 1)]
Identifier = Annotated[str, MaxLength(64)]

Encoding = Literal["pcm_s16le", "pcm_f32le", "mulaw", "alaw"]
Framing = Literal["raw", "offset64"]
if TYPE_CHECKING:  # whoever writes a configuration is held to the names that there are
    AnyEncoding = Encoding
    AnyFraming = Framing
else:  # and whoever reads one takes any, and refuses it with its own error: ``unsupported_encoding``
    AnyEncoding = Annotated[str, MaxLength(32)]
    AnyFraming = Annotated[str, MaxLength(32)]
SAMPLE_BYTES: Constant[Mapping[str, int]] = {"pcm_s16le": 2, "pcm_f32le": 4, "mulaw": 1, "alaw": 1}
"""Bytes of one sample of one channel, for each encoding this implementation accepts."""

FinalReason = Literal["endpoint", "max_length", "stability", "flush", "end_input", "configure"]
TurnTrigger = Literal["model", "silence", "manual", "timeout"]
CloseReason = Literal["completed", "cancelled", "error", "session_limit", "idle", "shutdown", "superseded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a message. Raises `schema.FieldError` when a field is not what its annotation allows."""

    def __post_init__(self) -> None:
        schema.check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFormat(Part):
    """How the binary frames are to be read."""

    encoding: AnyEncoding = "pcm_s16le"
    sample_rate: Annotated[int, Range(4_000, 192_000)] = 16_000
    channels: Annotated[int, Range(1, 8)] = 1
    framing: AnyFraming = "raw"

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample frame (all channels). Raises `KeyError` for an encoding we do not know."""
        return SAMPLE_BYTES[self.encoding] * self.channels


@dataclass(frozen=True, slots=True, kw_only=True)
class Features(Part):
    """What the client wants to be told."""

    partials: bool = True
    stable_prefix: bool = True
    words: bool = False
    speech_events: bool = True
    turns: bool = False
    speakers: bool = False
    acks: bool = True
    language_per_utterance: bool | None = None
    stats_ms: Annotated[int, Range(100, 60_000)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpointing(Part):
    """When a silence ends an utterance, and how long one may get."""

    silence_ms: Annotated[int, Range(100, 10_000)] | None = None
    max_segment_ms: Annotated[int, Range(1_000, 28_000)] | None = None
    eager: bool | None = None
    pause_ms: Annotated[int, Range(0, 10_000)] | None = None
    offline: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns(Part):
    """When a turn is over, where ``features.turns`` asks for turns.

    A silence that is shorter than one before it counts as that.
    """

    threshold: Probability | None = None
    maybe_threshold: Probability | None = None
    silence_ms: Annotated[int, Range(100, 10_000)] | None = None
    unsure_ms: Annotated[int, Range(100, 30_000)] | None = None
    timeout_ms: Annotated[int, Range(100, 60_000)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bias(Part):
    """Words that are likely to be said."""

    terms: Annotated[tuple[Annotated[str, MaxLength(200)], ...], MaxLength(500)] = ()
    prompt: Annotated[str, MaxLength(2_000)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Product(Part):
    """Who is speaking, for logs."""

    name: Annotated[str, MaxLength(100)]
    version: Annotated[str, MaxLength(100)] | None = None
    reference: Annotated[str, MaxLength(200)] | None = None
    tags: Annotated[tuple[Annotated[str, MaxLength(64)], ...], MaxLength(16)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo(Part):
    """The engine that really answers."""

    name: str
    version: str | None = None
    model: str | None = None
    device: str | None = None
    turn_detector: str | None = None
    speakers: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeOffer(Part):
    """How a client may come back: ``token`` once, within ``window_ms`` of losing its connection.

    ``class`` says what the server's memory survives: ``memory`` the connection, ``durable`` the server's process too.
    """

    token: Annotated[str, MaxLength(200)]
    window_ms: Sample
    class_: Literal["memory", "durable"] = "memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word(Part):
    """One word. ``start`` and ``end`` are seconds of session time."""

    text: str
    start: Seconds
    end: Seconds
    confidence: Probability | None = None
    speaker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerSpan(Part):
    """A part of a segment that one person says. ``start`` and ``end`` are seconds of session time."""

    speaker: Annotated[str, MaxLength(64)]
    start: Seconds
    end: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalDetails(Part):
    """What the engine made of a segment, for those who judge engines. What it does not know is left out."""

    avg_logprob: Annotated[float, Range(-MAX_INTEGER, 0)] | None = None
    """Mean natural logarithm of the probability of a token."""
    no_speech_prob: Probability | None = None
    """How likely the engine finds it that nobody spoke."""
    doubtful: bool | None = None
    """True: the text did not pass the engine's checks, even decoded again. Otherwise it is left out."""


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
    """Samples of ``received`` that a ``gap`` stood for."""
    late: Sample = 0
    dropped: Sample = 0
    audio_s: Seconds = 0.0
    wall_s: Seconds = 0.0
    segments: Sample = 0
    words: Sample = 0
    rtf: Annotated[float, Range(0)] | None = None
