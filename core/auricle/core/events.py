"""The events that a session hands to its application.

Most events are wire messages (`Partial`, `Final` …): the same class is sent, received and handed over. This
module holds the events that have no message of their own, above all the terminal `SessionClosed`.
"""

from dataclasses import dataclass, field
from typing import Literal

from auricle.core.errors import AuricleError
from auricle.core.messages import (
    Ack,
    Annotate,
    Configured,
    ErrorMessage,
    Final,
    Flushed,
    InputEnded,
    Loading,
    Partial,
    Ready,
    Resumed,
    SpeechEnd,
    SpeechStart,
    Start,
    Stats,
    TurnEnd,
    TurnMaybeEnd,
    TurnResumed,
    WarningMessage,
)

Ending = Literal[
    "completed", "cancelled", "error", "session_limit", "idle", "shutdown", "superseded",
    "lost", "violation", "timeout", "aborted",
]  # fmt: skip
"""Why a session ended: the server's ``closed.reason``, or what happened instead of a ``closed``.

``lost``: the transport ended. ``violation``: the peer broke the protocol. ``timeout``: nothing came from the peer.
``aborted``: our own application ended the session.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounting:
    """The sample counts of a session, in sample frames at the declared rate.

    On a client ``offered`` is what the application gave and ``sent`` what went out; on a server both equal
    ``received``. ``committed`` = covered by finals + ``non_speech`` + ``dropped``.
    """

    offered: int
    sent: int
    received: int
    processed: int
    committed: int
    non_speech: int
    gap: int = 0
    """Samples of ``offered`` that had no audio."""
    dropped: int
    late: int
    segments: int
    words: int


class TranscriptIncomplete(AuricleError):
    """A session ended without the proof that every sample is accounted for. ``closed`` says what is known."""

    def __init__(self, closed: "SessionClosed") -> None:
        super().__init__(closed.message)
        self.closed = closed


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionClosed:
    """The terminal event: exactly one for each session, and the last.

    ``complete`` is a conclusion, not a claim: true only when the server says so *and* our own counts agree that every
    offered sample was sent, received and committed and every flush answered. None means unverified: a legacy server
    closed normally but gave no accounting.
    """

    reason: Ending
    code: int
    message: str
    """One sentence for people."""
    complete: bool | None
    retriable: bool
    """Whether a new session has a chance to succeed."""
    retry_after_s: float | None = None
    """How long to wait before trying again, where the server said so."""
    error: str | None = None
    """The error code (wire-protocols §3.9) where there was one."""
    accounting: Accounting

    def raise_if_incomplete(self) -> "SessionClosed":
        """Return self, or raise `TranscriptIncomplete` unless the transcript is complete or unverified."""
        if self.complete is False:
            raise TranscriptIncomplete(self)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """The connection is lost and the session is not: a new connection is tried. `Resumed` or `Restarted` follows.

    Audio may be sent meanwhile, as far as there is room for it.
    """

    code: int
    """The close code, 1006 where there was none."""
    message: str
    """One sentence for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted:
    """The server no longer knew the session. A new one goes on where the old one was committed.

    Positions, times and segment numbers go on. Whatever was open is void: partials, a speech that had started, and a
    turn: the next ``turn_end`` speaks of the finals from here on.
    ``lost_samples`` before ``origin_sample`` had been sent, were not decided, and could not be sent again.
    """

    origin_sample: int
    lost_samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlushTimedOut:
    """A flush has not been answered for ``flush_timeout_s`` of silence. The session goes on."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Server: a client has said ``start``. Answer with `ServerSession.accept` or `ServerSession.fail`."""

    config: Start
    ignored: tuple[str, ...] = ()
    """JSON pointers to what was asked and not understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioReceived:
    """Server: samples ``start_sample`` up to ``end_sample``, as bytes of whole sample frames."""

    start_sample: int
    end_sample: int
    pcm: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSkipped:
    """Server: there is no audio for samples ``start_sample`` up to ``end_sample``."""

    start_sample: int
    end_sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigureRequested:
    """Server: decide everything before ``at_sample``, call `ServerSession.configured`, and then use ``config``."""

    id: str
    at_sample: int
    config: Start


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnected:
    """Server: the transport is lost and the client may resume. The engine's work goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnected:
    """Server: the client has resumed the session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlushRequested:
    """Server: decide everything before ``at_sample``, then call `ServerSession.flushed`."""

    id: str
    at_sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFinished:
    """Server: no more audio after ``total_samples``. Decide the rest, then call `ServerSession.finish`."""

    total_samples: int


ClientEvent = (
    Loading | Ready | Interrupted | Resumed | Restarted | Ack | SpeechStart | SpeechEnd | Partial | Final
    | Annotate | TurnMaybeEnd | TurnResumed | TurnEnd | Flushed | FlushTimedOut | Configured | InputEnded
    | WarningMessage | ErrorMessage | Stats | SessionClosed
)  # fmt: skip
ServerEvent = (
    Started | AudioReceived | AudioSkipped | FlushRequested | ConfigureRequested | InputFinished
    | Disconnected | Reconnected | SessionClosed
)  # fmt: skip
Event = ClientEvent | ServerEvent
