"""`Snapshot`: the whole state of a session, immutable and hashable. Audio bytes are kept elsewhere."""

from typing import Literal, NamedTuple

from auricle.core.events import SessionClosed
from auricle.core.limits import Limits
from auricle.core.messages import Configure, EndInput, Flush, Start, WarningMessage
from auricle.core.recovery import Past, Recovery
from auricle.core.states import WITH_TRANSPORT, Attachment, Role, State
from auricle.core.turn import Turn

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
    """Server: the engine has been asked and has not answered. Client: the flush has not been reported as overdue."""
    exact: bool = True
    """Server: no audio beyond ``at`` had arrived before the flush, so no utterance can extend across ``at``."""
    end_turn: bool = False
    """Server: the turn ends with it."""


class OpenChange(NamedTuple):
    """A ``configure`` without its answer."""

    id: str
    at: int
    """The first sample it is for. Server: the segment is cut exactly here (O7)."""
    config: Start
    """The whole configuration it asks for."""
    ignored: tuple[str, ...] = ()


class Pending(NamedTuple):
    """Client: a control message without its answer, and the position that must be sent before it."""

    at: int
    message: Flush | Configure | EndInput


class Snapshot(NamedTuple):
    """The state of one session as one side knows it. A field means the same on both sides unless it says otherwise.

    Positions are sample frames at the declared rate; times are seconds of the session's monotonic clock.
    """

    role: Role
    limits: Limits
    state: State = State.CONNECTING
    config: Start = Start()
    legacy: bool = False
    """The peer uses the legacy dialect: no credit, no acks, no coverage."""

    attachment: Attachment = Attachment.UNCONNECTED
    """What the session has of a transport."""
    started: bool = False
    """``start`` has been sent (client) or received (server)."""
    cancelled: bool = False
    ended: bool = False
    """Either side has ended the input."""
    end_code: EndCode | None = None
    """Why the server ended the input, where it did."""
    ended_seq: int = 0
    """Server: the number of ``input_ended``, 0 before it."""

    origin: int = 0
    """Where this session began: 0, or where it took over from one that was lost."""
    offered: int = 0
    """Client: samples that the application has offered. Server: the same as ``received``."""
    sent: int = 0
    """Client: samples sent on the present transport or accepted before. Server: the same as ``received``."""
    residue: int = 0
    """Bytes after the last whole sample frame."""
    received: int = 0
    """Samples that the server has, as far as this side knows."""
    processed: int = 0
    """Samples that the engine has processed, as far as this side knows."""
    committed: int = 0
    """Samples accounted for by durable messages, without a gap from 0."""
    credit: int = 0
    """Highest sample that may be sent (O12; QUIC's MAX_DATA: absolute and monotone)."""
    gap: int = 0
    """Samples without audio. Client: of those offered; server: of those received."""
    gaps: tuple[tuple[int, int], ...] = ()
    """Client: the half-open ranges of those samples, as long as they may have to be sent again."""
    ring_start: int = 0
    """Client: the first sample that the audio ring retains."""
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
    """The longest prefix announced as stable for the open segment."""
    speaking_since: int | None = None
    """Position of the open ``speech_start``; None while nobody speaks."""
    speech_at: int = 0
    """Position of the latest speech event."""
    detects_turns: bool = False
    """Whether the server has said by what it tells that a turn is over."""
    tells_speakers_apart: bool = False
    """Whether the server has said by what it tells who speaks."""
    turn: Turn = Turn()
    flushes: tuple[OpenFlush, ...] = ()
    answered: tuple[str, ...] = ()
    """Ids of the latest answered flushes, for de-duplication."""
    flush_times: tuple[float, ...] = ()
    """Server: when the latest flushes and changes arrived, for the rate limit."""
    changes: tuple[OpenChange, ...] = ()
    answered_changes: tuple[str, ...] = ()
    """Ids of the latest answered changes, for de-duplication."""
    outbox: tuple[Pending, ...] = ()
    outbox_sent: int = 0
    """Client: how many of ``outbox`` have been sent on this transport; they stay there until they are answered."""
    failures: int = 0
    """Utterances in a row on which the engine failed."""
    warned: tuple[str, ...] = ()
    """Codes of the warnings already sent: each once in a session."""
    deferred_warnings: tuple[WarningMessage, ...] = ()
    """Server: warnings from before ``ready``, which must come first (O1)."""
    error: tuple[str, str] | None = None
    """Code and message of a fatal error that was received, until its ``closed``."""
    retry_after_s: float | None = None
    """The delay before a new attempt that this error asked for."""
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
    """When anything moved that can only move so often: a watermark, or a flush or a change that was answered. Client:
    also when audio was sent. Keepalives are no progress. Time without a transport does not count."""
    moves: int = 0
    """How often the engine's queue has moved while this session waited in it. Client: as far as the server has said."""
    moved_at: float = 0.0
    """When ``moves`` last grew; it counts as progress for `LONGEST_QUEUE_S` after ``progress_at``."""
    engine_s: float = 0.0
    """Server: how long the engine may be busy with others and with one call, in seconds, as it has predicted."""
    proven_at: float = 0.0
    """Client: when the server last showed that it hears us, by an answer or by a watermark of what it has received."""
    drain_s: float | None = None
    """Client: how long the server may take without progress after the end of input, as it said; None: it has not."""
    acked_at: float = 0.0
    acked_processed: int = 0
    ack_owed: bool = False
    grace_until: float = 0.0
    """No peer timeout counts before this: our own loop was blocked (wire-protocols §3.8, F9)."""
    closed_at: float = 0.0
    emptied: bool = False
    """Whether everything queued before the closing handshake has been written."""
    closed: SessionClosed | None = None
    """The terminal event, once it has been given."""

    @property
    def attached(self) -> bool:
        """Whether a transport is attached."""
        return self.attachment in WITH_TRANSPORT

    @property
    def tells_turns(self) -> bool:
        """Whether turns are told: the client has asked for them, and the server has a detector."""
        return self.detects_turns and self.config.features.turns

    @property
    def names_speakers(self) -> bool:
        """Whether finals are annotated with who speaks: the client has asked for that, and the server can."""
        return self.tells_speakers_apart and self.config.features.speakers

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
