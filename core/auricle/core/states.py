"""What the rule tables are indexed by: states, attachments, roles, sides, kinds, and events of the attachment."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from auricle.core.messages import ErrorMessage, Message, Unknown


class Name(Enum):
    """An enumeration whose members hash by identity: they are keys on the path of every audio frame."""

    __hash__ = object.__hash__


class State(Name):
    """Where a conversation stands. What it has of a transport is a separate matter (`Attachment`)."""

    CONNECTING = "connecting"
    """Until ``ready``: the transport opens, ``start`` is on its way, a model may be loading."""
    READY = "ready"
    """``ready`` has been said, no audio yet."""
    STREAMING = "streaming"
    """Audio has been sent."""
    INPUT_ENDED = "input_ended"
    """``end_input`` has been said; the server has not yet confirmed what it holds."""
    DRAINING = "draining"
    """``input_ended`` has been said; the rest of the results may still come."""
    CLOSED = "closed"
    """The terminal event has been given. Nothing changes any more but the transport."""


class Attachment(Name):
    """What a session has of a transport, and what becomes of it without one. A second automaton beside `State`."""

    UNCONNECTED = "unconnected"
    """Client: the application has not asked for a transport yet."""
    OPENING = "opening"
    """Client: a transport is asked for, to say ``start`` on it; no server has been ready yet."""
    STARTING = "starting"
    """Client: a transport is attached, ``start`` is said; no server has been ready yet."""
    ATTACHED = "attached"
    """A transport is attached, and the session ends with it."""
    RESUMABLE = "resumable"
    """A transport is attached, and the session outlives it: the client has a token to resume with."""
    REOPENING = "reopening"
    """Client: the transport is lost; another is asked for, to say ``resume`` on it."""
    GATED = "gated"
    """Client: a transport is attached, ``resume`` is said and not answered: nothing but ``ping`` and ``cancel``
    follows, as the server's position is not known."""
    RESTARTING = "restarting"
    """Client: the server has lost the session; a transport is asked for, to say the ``start`` that goes on for it."""
    STARTING_AGAIN = "starting again"
    """Client: a transport is attached, that ``start`` is said, and no server has been ready for it yet."""
    HELD = "held"
    """Server: no transport is attached; the session is held for its client, which can resume it."""
    DETACHED = "detached"
    """No transport is attached, and none comes any more."""


WITH_TRANSPORT: Final = frozenset(
    {
        Attachment.STARTING, Attachment.ATTACHED, Attachment.RESUMABLE, Attachment.GATED, Attachment.STARTING_AGAIN,
    }
)  # fmt: skip
"""Where a transport is attached."""


class AttachmentEvent(Name):
    """What can happen to an attachment, one member for each row of its table."""

    CONNECT = "the application connects"
    SAY_START = "a transport is open, start is said"
    SAY_RESUME = "a transport is open, resume is said"
    READY = "ready without resume"
    READY_RESUMABLE = "ready with resume"
    RESUMED = "resumed"
    OPEN_AGAIN = "lost or refused, and another server may take it"
    RECONNECT = "lost or silent, and the session may be recovered"
    RESTART = "the server no longer has the session"
    CANCEL = "cancel is said"
    HOLD = "the transport is lost, and the client may resume"
    ATTACH = "the client resumes"
    REVOKE = "the tokens are void"
    END = "the session ends"
    DETACH = "the transport is gone, and none follows"


class Role(Name):
    """Whose view of the conversation a snapshot is."""

    CLIENT = "client"
    SERVER = "server"


class Side(Name):
    """The direction of a stimulus: our own side says a message, the peer is heard saying it, or neither."""

    SAY = "say"
    HEAR = "hear"
    LOCAL = "local"
    """Not a message at all: a verb, a transport event or a timer."""


class Kind(Name):
    """What can happen, one member for each row of the table. Message kinds have the wire ``type`` as their value."""

    START = "start"
    RESUME = "resume"
    AUDIO = "audio"
    GAP = "gap"
    FLUSH = "flush"
    CONFIGURE = "configure"
    END_INPUT = "end_input"
    CANCEL = "cancel"
    PING = "ping"

    LOADING = "loading"
    READY = "ready"
    RESUMED = "resumed"
    ACK = "ack"
    SPEECH_START = "speech_start"
    SPEECH_END = "speech_end"
    PARTIAL = "partial"
    FINAL = "final"
    ANNOTATE = "annotate"
    TURN_MAYBE_END = "turn_maybe_end"
    TURN_RESUMED = "turn_resumed"
    TURN_END = "turn_end"
    FLUSHED = "flushed"
    CONFIGURED = "configured"
    INPUT_ENDED = "input_ended"
    WARNING = "warning"
    ERROR = "error"
    FATAL = "fatal"
    PONG = "pong"
    STATS = "stats"
    CLOSED = "closed"

    UNKNOWN = "?"
    MALFORMED = "!"

    CONNECT = "the application connects"
    OPENED = "the transport is open"
    LOST = "the transport is lost"
    EMPTIED = "everything before the closing handshake has been written"
    ABORT = "the application aborts"
    SHUT_DOWN = "the server shuts down"
    NO_RETURN = "the session can no longer be resumed"
    ATTACH = "the client resumes"
    PROGRESS = "the engine has processed more"
    QUEUE_PREDICTED = "the engine has predicted how long it may take"
    QUEUE_MOVED = "the engine has worked for others, and this session comes nearer"
    END_BY_SERVER = "the server ends the input"
    FINISH = "everything is decided"
    FAIL = "the server fails the session"
    SEND_PENDING = "what may be sent is sent"
    ANSWER_PENDING = "what is pending is answered"

    OPEN_EXPIRED = "no transport in time"
    HELLO_EXPIRED = "no start in time"
    READY_EXPIRED = "no ready in time"
    IDLE_EXPIRED = "the client has gone quiet"
    SILENCE_EXPIRED = "the server has gone quiet"
    LOAD_EXPIRED = "the engine is not ready in time"
    STALL_EXPIRED = "nothing has moved for too long"
    DRAIN_EXPIRED = "the rest has not come in time"
    FLUSH_EXPIRED = "no answer to a flush in time"
    RESUME_EXPIRED = "the session was not resumed in time"
    BACKOFF_RESET_DUE = "no transport has been lost for a while"
    CLOSE_EXPIRED = "the transport has not closed in time"
    PING_DUE = "time for a ping"
    ACK_DUE = "time for an ack"
    STATS_DUE = "time for stats"
    EXPIRY_NEAR = "the longest duration is near"
    SESSION_MAX_REACHED = "the longest duration is reached"
    AUDIO_IDLE = "no audio has come for long enough"
    PROGRESS_DUE = "time to say that the server is working"
    TIMER_LATE = "a timer fired late: our own loop was blocked"


CLIENT_KINDS: Final = (
    Kind.START, Kind.RESUME, Kind.AUDIO, Kind.GAP, Kind.FLUSH, Kind.CONFIGURE, Kind.END_INPUT, Kind.CANCEL, Kind.PING,
    Kind.UNKNOWN, Kind.MALFORMED,
)  # fmt: skip
"""What a server may hear."""

SERVER_KINDS: Final = (
    Kind.LOADING, Kind.READY, Kind.RESUMED, Kind.ACK, Kind.SPEECH_START, Kind.SPEECH_END, Kind.PARTIAL, Kind.FINAL,
    Kind.ANNOTATE, Kind.TURN_MAYBE_END, Kind.TURN_RESUMED, Kind.TURN_END, Kind.FLUSHED, Kind.CONFIGURED,
    Kind.INPUT_ENDED, Kind.WARNING, Kind.ERROR, Kind.FATAL, Kind.PONG, Kind.STATS, Kind.CLOSED,
    Kind.UNKNOWN, Kind.MALFORMED,
)  # fmt: skip
"""What a client may hear."""

_BY_TYPE: Final[Mapping[str, Kind]] = {
    kind.value: kind for kind in (*CLIENT_KINDS, *SERVER_KINDS) if kind not in (Kind.FATAL, Kind.UNKNOWN)
}


PEER_TIMEOUTS: Final = frozenset(kind for kind in Kind if kind.name.endswith("_EXPIRED"))
"""Timers whose expiry counts against the peer."""


def kind_of(message: Message) -> Kind:
    """Return the table row of a message."""
    if isinstance(message, ErrorMessage) and message.fatal:
        return Kind.FATAL
    if isinstance(message, Unknown):
        return Kind.UNKNOWN
    return _BY_TYPE[message.type]
