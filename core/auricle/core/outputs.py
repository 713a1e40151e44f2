"""The outputs of a session. A driver executes each of them in order and has nothing else to decide."""

from dataclasses import dataclass

from auricle.core.events import Event
from auricle.core.messages import Durable, Message

Frame = str | bytes
"""One WebSocket message: text or binary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSpan:
    """Samples ``start`` up to ``end``, without their bytes: how audio appears in stimuli and outputs of `step`.

    ``residue`` is the number of bytes after the last whole sample frame that are held back (or, at the end, dropped).
    """

    start: int
    end: int
    residue: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmit:
    """Send ``frame``, which is ``message`` encoded."""

    frame: Frame
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Encode this message in the peer's dialect; the session turns it into `Transmit`."""

    message: Message | AudioSpan


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Server: add a durable message to the record while no transport is attached."""

    message: Durable


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Server: send every durable message of the record after ``seq``; the client has all up to it."""

    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """Server: drop the record up to ``seq``; no client will need it again."""

    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Emit:
    """Hand this event to the application."""

    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTransport:
    """Open a transport, not before the given time on the session's clock (seconds).

    It replaces any earlier transport: whatever arrives on that one is ignored.
    """

    not_before: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseTransport:
    """Send what is queued, then a Close frame with this code, and read on until the peer's Close frame."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AbortTransport:
    """Close the transport now, without a handshake; whatever is queued is discarded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptTransport:
    """Server: the transport that was offered with the resume becomes the session's.

    A `CloseTransport` just before it is for the old transport, which is no longer read.
    """


Output = Transmit | Emit | OpenTransport | AdoptTransport | CloseTransport | AbortTransport
"""What a session returns to its driver."""

RawOutput = (
    Send | Record | Replay | Forget | Emit | OpenTransport | AdoptTransport | CloseTransport | AbortTransport
)  # fmt: skip
"""What `step` returns: the same, with audio as spans and messages not yet encoded."""
