"""What a session wants done. A driver matches this union to its end and has nothing else to decide."""

from dataclasses import dataclass

from auricle.core.events import Event
from auricle.core.messages import Durable, Message

Frame = str | bytes
"""One WebSocket message: text or binary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSpan:
    """Samples ``start`` up to ``end``, without their bytes: what `step` sees of audio.

    ``residue`` counts the bytes behind the last whole sample frame that are held (or, at the end, dropped).
    """

    start: int
    end: int
    residue: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmit:
    """Send this frame. ``message`` is what it says."""

    frame: Frame
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """`step` wants this said; the session turns it into `Transmit` in the peer's dialect."""

    message: Message | AudioSpan


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Server: this durable message is said while nobody is there to hear it; it waits in the record."""

    message: Durable


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Server: send every durable message of the record after ``seq``, which has arrived like all before it."""

    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """Server: nobody will ask for the record up to ``seq`` any more."""

    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Emit:
    """Hand this event to the application."""

    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTransport:
    """Open a transport, not before the given time on the session's clock.

    It takes the place of any transport before it: what an older one still has to say is ignored.
    """

    not_before: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseTransport:
    """Send what is queued, then the closing handshake, and go on reading until the peer's end of it."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AbortTransport:
    """Drop the transport now; nothing that is queued matters any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptTransport:
    """Server: from here on the transport that is waiting carries the session.

    A `CloseTransport` just before is for the old one, which nobody listens to any more.
    """


Output = Transmit | Emit | OpenTransport | AdoptTransport | CloseTransport | AbortTransport
"""What a driver gets."""

RawOutput = (
    Send | Record | Replay | Forget | Emit | OpenTransport | AdoptTransport | CloseTransport | AbortTransport
)  # fmt: skip
"""What `step` gives: the same, with audio as spans and messages not yet in a dialect."""
