"""The messages that a client sends, and the change that ``configure`` makes to a configuration.

Source: notes/wire-protocols.md §3.3 and §3.4.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar, Literal
from typing import Final as Constant

from auricle.core import schema
from auricle.core.messages.base import Message
from auricle.core.parts import AudioFormat, Bias, Endpointing, Features, Identifier, Origin, Product, Sample, Turns
from auricle.core.schema import MaxLength, Range


@dataclass(frozen=True, slots=True, kw_only=True)
class Start(Message):
    """Must be the first message. ``language`` null means: detect it, among ``languages`` where some are given."""

    type: ClassVar[str] = "start"
    audio: AudioFormat = AudioFormat()
    language: Annotated[str, MaxLength(35)] | None = None
    languages: Annotated[tuple[Annotated[str, MaxLength(35)], ...], MaxLength(32)] = ()
    task: Literal["transcribe", "translate"] = "transcribe"
    model: Annotated[str, MaxLength(200)] | None = None
    features: Features = Features()
    endpointing: Endpointing = Endpointing()
    turns: Turns = Turns()
    bias: Bias = Bias()
    resume: bool = True
    """Whether the session shall survive its connection; the server may decline (``ready.resume`` null)."""
    require: Annotated[tuple[Annotated[str, MaxLength(64)], ...], MaxLength(16)] = ()
    t0: Annotated[str, MaxLength(64)] | None = None
    timeline_origin: Origin | None = None
    """Position of the first sample: a session that continues a lost one goes on counting where that was committed."""
    segment_origin: Origin | None = None
    """Number of the first segment, for the same reason."""
    turn_origin: Origin | None = None
    """Number of the first turn, for the same reason."""
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
    resumed: bool | None = None
    """True: ``resumed`` has arrived on this connection, so that the token before the one it told is of no use."""


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


CHANGEABLE: Constant = ("language", "languages", "bias", "endpointing", "turns", "features")
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
