"""The whole state of a session: immutable, hashable, and without a byte of audio."""

from typing import Literal, NamedTuple

from auricle.core.events import SessionClosed
from auricle.core.limits import Limits
from auricle.core.messages import Configure, EndInput, Flush, Start, WarningMessage
from auricle.core.recovery import Past, Recovery
from auricle.core.states import Role, State

EndCode = Literal["shutdown", "session_limit", "idle"]
"""Why a server ends the input itself."""


class OpenFlush(NamedTuple):
    """A flush without its answer."""

    id: str
    at: int
    """Everything before this sample is to be decided."""
    segment: int
    """The next segment when the flush was said or heard."""
    since: float
    """When the flush was said (client) or heard (server), in seconds of the session's clock."""
    awaited: bool = True
    """Server: the engine has been asked. Client: the application has not yet been told that it timed out."""
    exact: bool = True
    """Server: nothing beyond ``at`` had come when it was heard, so no utterance can have been decided across it."""


class OpenChange(NamedTuple):
    """A ``configure`` without its answer."""

    id: str
    at: int
    """The first sample it is for. Server: the segment is cut exactly here (O7)."""
    config: Start
    """The whole configuration it asks for."""
    ignored: tuple[str, ...] = ()


class Pending(NamedTuple):
    """Client: a control message without its answer, and the audio that goes before it."""

    at: int
    message: Flush | Configure | EndInput


class Snapshot(NamedTuple):
    """One side's view of one conversation. The same fields mean the same on both sides.

    Positions are sample frames at the declared rate; times are seconds of the session's monotonic clock.
    """

    role: Role
    limits: Limits
    state: State = State.CONNECTING
    config: Start = Start()
    legacy: bool = False
    """The peer speaks the legacy dialect: no credit, no acks, no coverage."""

    attached: bool = False
    """A transport is there."""
    started: bool = False
    """``start`` has been said."""
    cancelled: bool = False
    ended: bool = False
    """The end of input has been said, by either side."""
    end_code: EndCode | None = None
    """Why the server ended the input, where it did."""
    ended_seq: int = 0
    """Server: the number of ``input_ended``, 0 before it."""

    origin: int = 0
    """Where this session began: 0, or where it took over from one that was lost."""
    offered: int = 0
    """Client: samples the application has given. Server: the same as ``sent``."""
    sent: int = 0
    """Samples that have crossed: sent by a client, received by a server."""
    residue: int = 0
    """Bytes behind the last whole sample frame."""
    received: int = 0
    """Samples known to be at the server."""
    processed: int = 0
    """Samples known to be heard by the engine."""
    committed: int = 0
    """Samples accounted for by durable messages, without a gap from 0."""
    credit: int = 0
    """Highest sample that may be sent (O12; QUIC's MAX_DATA: absolute and monotone)."""
    gap: int = 0
    """Samples without audio. Client: of those offered; server: of those received."""
    gaps: tuple[tuple[int, int], ...] = ()
    """Client: where those are, as half-open ranges, as long as they may have to be sent again."""
    ring_start: int = 0
    """Client: the first sample whose audio is still kept."""
    non_speech: int = 0
    dropped: int = 0
    late: int = 0

    seq: int = 0
    """The last durable message."""
    segment: int = 0
    """The open segment: the number of finals so far."""
    words: int = 0
    rev: int = 0
    partial: str | None = None
    """The text of the last partial of the open segment."""
    stable_prefix: str = ""
    """The longest prefix promised as stable for the open segment."""
    speaking_since: int | None = None
    """Where the speech that is going on began."""
    speech_at: int = 0
    """The last position a speech event named."""
    flushes: tuple[OpenFlush, ...] = ()
    answered: tuple[str, ...] = ()
    """Ids of the latest answered flushes, for de-duplication."""
    flush_times: tuple[float, ...] = ()
    """When the latest flushes and changes were heard, for the rate limit."""
    changes: tuple[OpenChange, ...] = ()
    answered_changes: tuple[str, ...] = ()
    """Ids of the latest answered changes, for de-duplication."""
    outbox: tuple[Pending, ...] = ()
    outbox_sent: int = 0
    """Client: how many of the outbox have been sent on this transport; they stay until they are answered."""
    failures: int = 0
    """Utterances in a row that the engine failed on."""
    warned: tuple[str, ...] = ()
    """Warnings already given: each kind once a session."""
    deferred_warnings: tuple[WarningMessage, ...] = ()
    """Server: warnings from before ``ready``, which must come first (O1)."""
    error: tuple[str, str] | None = None
    """Code and message of a fatal error that was heard and waits for its ``closed``."""
    retry_after_s: float | None = None
    """What that error said about trying again."""
    recovery: Recovery = Recovery()
    past: Past = Past()

    opened_at: float = 0.0
    """When the transport opened, or began to."""
    ready_at: float = 0.0
    audio_at: float = 0.0
    """Server: when audio last came."""
    stats_at: float = 0.0
    heard_at: float = 0.0
    said_at: float = 0.0
    pinged_at: float = 0.0
    ended_at: float = 0.0
    progress_at: float = 0.0
    acked_at: float = 0.0
    acked_processed: int = 0
    ack_owed: bool = False
    grace_until: float = 0.0
    """No verdict about the peer before this: our own loop slept (wire-protocols §3.8, F9)."""
    closed_at: float = 0.0
    emptied: bool = False
    """Whether everything has left that was said before the closing handshake."""
    closed: SessionClosed | None = None
    """The terminal event, once it has been given."""

    @property
    def rate(self) -> int:
        """Sample frames in a second."""
        return self.config.audio.sample_rate

    def samples(self, seconds: float) -> int:
        """Return how many sample frames there are in ``seconds``."""
        return int(seconds * self.rate)

    def seconds(self, samples: int) -> float:
        """Return the session time of a position, in seconds."""
        return samples / self.rate
