"""What the streaming policy is told, and what it wants done. Plain values: no audio, no clock.

Positions are engine samples of the session, at `ENGINE_RATE`, counted from its first sample.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from auricle.core.parts import FinalReason
from auricle.engines.protocol import TimedWord, Transcript


class Urgency(IntEnum):
    """Why a window is decoded; a smaller number goes first. Source: notes/streaming-whisper.md §5.3."""

    FINAL = 0
    """Somebody waits for it, and it is never dropped."""
    SPECULATIVE = 1
    """The final of an utterance that seems to be over: begun at the onset of the silence."""
    FIRST = 2
    """The first partial of an utterance."""
    PARTIAL = 3
    """Any later one: a newer one takes its place."""

    @property
    def is_final(self) -> bool:
        """Whether the result may be committed."""
        return self in (Urgency.FINAL, Urgency.SPECULATIVE)


# ---------------------------------------------------------------------------- told to the policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """The block of `BLOCK` samples that ends at ``end`` holds speech with this probability."""

    probability: float
    end: int
    silence: int | None = None
    """Silence that ends the utterance with this block, where that may be shorter than the rules say: a turn is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Decode ``job`` has this result; its times count in seconds from the start of its window."""

    job: int
    transcript: Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Decode ``job`` has none. ``message`` is one sentence fit for a user."""

    job: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Everything before ``at`` is to be decided now; what is behind it stays open."""

    at: int
    reason: Literal["flush", "end_input"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often partials may be decoded: every ``interval`` samples from now on; None: not at all."""

    interval: int | None


Event = Voice | Heard | Failed | Cut | Pace


# ---------------------------------------------------------------------------- wanted by the policy


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStart:
    """Somebody began to speak at ``at``."""

    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechEnd:
    """The speech that had started ended at ``at``; comes after its final."""

    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decode:
    """Decode the window from ``start`` to ``end``; answered by `Heard` or `Failed` with the same ``job``.

    A job that is dropped, or replaced by a newer one of its session, need not be answered.
    """

    job: int
    """Grows by one from decode to decode."""
    urgency: Urgency
    start: int
    end: int
    timed: bool
    """Whether words are wanted with their times."""
    context: str = ""
    """Committed text that lies before ``start``."""
    language: str | None = None
    """What the session was found to speak."""
    told_after: tuple[int, int] | None = None
    """The pause behind which the transcript begins: what lies before it is finished, and heard for context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promote:
    """What was decoded on speculation is waited for now: ``job`` is a `Urgency.FINAL`."""

    job: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Nobody wants ``job`` any more."""

    job: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """The open utterance so far. ``text[:stable]`` will begin every later partial, and its final."""

    text: str
    stable: int
    start: int
    end: int
    pause: int | None = None
    """Silence behind ``end``, where the speaker has paused and this is what the final will be, unless it goes on."""
    confidence: float | None = None
    words: tuple[TimedWord, ...] = ()
    """Times in seconds from the first sample of the session."""
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Final:
    """The utterance, done. It accounts for every sample from the last committed one up to ``end``."""

    end: int
    transcript: Transcript
    """Times count in seconds from the first sample of the session."""
    spoken: tuple[int, int]
    """From the first to the last voiced sample."""
    reason: FinalReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The utterance could not be decoded: everything up to ``end`` that is not committed is lost."""

    end: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewind:
    """Go on with the block of the grid that holds ``to``: what lies behind it is told again."""

    to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """Audio before ``before`` will not be asked for again."""

    before: int


Effect = SpeechStart | SpeechEnd | Decode | Promote | Drop | Partial | Final | Failure | Rewind | Forget
