"""What the cells of the rule table hold: guards, effects, and the three kinds of outcome."""

from typing import NamedTuple

from auricle.core.states import Attachment, Name, State


class Guard(Name):
    """A condition on a snapshot and a stimulus; its meaning is in `auricle.core.guards`."""

    STARTED = "start has been said"
    ENDED = "the end of input has been said"
    AUDIO_SENT = "audio has been said"
    CANCELLED = "we have cancelled"
    CANCEL_UNDELIVERABLE = "no peer would process a cancel"
    ENDED_BY_SERVER = "the server ended the input"
    UNCONNECTED = "no transport has been asked for"
    START_DUE = "a transport was asked for, to say start on it"
    RESUME_DUE = "a transport was asked for, to say resume on it"
    ATTACHED = "a transport is attached"
    DETACHED = "no transport is attached"
    RESUMING = "resume has been said and not answered"
    RECONNECTABLE = "the session may be recovered"
    SESSION_GONE = "the server no longer knows the session, and a new one may continue it"
    RETRY_LATER = "the server cannot resume the session just now"
    OPENING_AGAIN = "no server was ready yet, and another connection may find one in time"
    REFUSED_BEFORE = "a server has refused the session before"
    DRIVER_CANCELLED = "the driver was cancelled, so no other transport will come"
    RESUMABLE = "the client may resume"
    CAN_GO_ON = "the client can go on elsewhere"
    CLOSED_UNCONFIRMED = "the client may not have received closed, and may resume to get it"
    RETAINED = "the closed session is retained for a resume"
    MALFORMED_CHANGE = "what is malformed is a change"
    KNOWN_CHANGE = "a change with this id has been heard"
    REPEATED = "its id has been used, and the client has not come back since"
    KNOWN_FLUSH = "a flush with this id has been heard"
    NOT_REQUESTED = "the client did not request it"
    UNCHANGED = "it says nothing new"
    TURN_EMPTY = "the open turn has no final"
    NOT_ENDING = "no end of the turn is promised"
    FAILURE_LIMIT = "the engine has now failed too often in a row"
    WARNING_DEFERRED = "a warning from before ready is deferred"
    FLUSH_DECIDED = "the oldest flush has nothing left to decide"
    INPUT_ANSWERED = "every flush from before the end of input is answered"


class Effect(Name):
    """What a rule does; each is one function of `auricle.core.effects`."""

    # client
    REQUEST_TRANSPORT = "ask for the first transport"
    SEND_START = "say start"
    OFFER_AUDIO = "take audio from the application"
    QUEUE_FLUSH = "queue a flush behind the audio before it"
    TRIM_RING = "discard audio that will not be sent again"
    OFFER_GAP = "take note of samples without audio"
    QUEUE_CHANGE = "queue a change behind the audio before it"
    QUEUE_END = "queue the end of input behind all audio"
    SEND_CANCEL = "say cancel"
    SEND_PING = "say ping"
    SEND_PENDING = "send what credit allows, in order"
    REPORT_FLUSH_TIMEOUT = "report to the application that a flush is overdue"
    STORE_ERROR = "store a fatal error for the terminal event"
    SEND_RESUME = "say resume"
    APPLY_RESUMED = "go on from the server's position"
    INTERRUPT = "ask for another transport"
    RETRY = "abort the transport and ask for another"
    OPEN_AGAIN = "ask for another transport, to say start again"
    NOTE_PONG = "note that the server hears us"
    RESET_BACKOFF = "the next reconnect begins with the first delay"
    RESTART = "begin a new session at the last committed sample"
    END_REFUSED = "terminal event: the server refused to resume the session"
    END_UNOPENED = "terminal event: no server was ready in time"
    END_UNREACHABLE = "terminal event: the session could not be recovered in time"
    CONCLUDE = "check the server's accounting against ours; terminal event"
    ABORT = "say cancel, close; terminal event"
    # server
    RECEIVE_START = "check and store the configuration"
    RECEIVE_AUDIO = "count audio and hand it to the engine"
    COUNT_LATE_AUDIO = "count audio that came after the end of input"
    RECEIVE_GAP = "count samples without audio"
    RECEIVE_CHANGE = "queue a change and ask the engine"
    REFUSE_CHANGE = "say error about a change"
    RECEIVE_FLUSH = "queue a flush and ask the engine"
    REFUSE_REPEATED = "say error about an id that is used twice"
    RECEIVE_END = "no more audio; tell the engine"
    STOP_INPUT = "the server takes no more input"
    SEND_PONG = "say pong"
    WARN_UNKNOWN = "say warning unknown_type, once"
    SEND_FLUSHED = "say flushed for a flush the engine has decided, and for the markers before it"
    SEND_OLDEST_FLUSHED = "say flushed for a flush with nothing to decide"
    SEND_DEFERRED_WARNING = "say a warning that was deferred until ready"
    SEND_INPUT_ENDED = "say input_ended"
    ADVANCE = "move the watermark and the credit"
    NOTE_PREDICTION = "keep the prediction for the deadlines"
    NOTE_QUEUE = "the queue has moved, which is progress; say ack now and then"
    SEND_ACK = "say ack"
    SEND_PROGRESS = "say that the server is working"
    SEND_STATS = "say stats"
    SAY_TURN_MAYBE_END = "say that the turn is perhaps over; take back what was promised before"
    SAY_TURN_END = "say that the turn is over; take back what does not hold, promise what must be promised"
    SETTLE_TURN_WITH_FINAL = "take back a promise that the finals do not keep; end a turn that has become too long"
    SETTLE_TURN_WITH_LOSS = "take back a promise about what is lost"
    WARN_OF_EXPIRY = "say warning session_expiring"
    AWAIT_RESUME = "retain the session for its client"
    ACCEPT_RESUME = "adopt the transport; say resumed and replay what was missed"
    EMIT_RECONNECTED = "report to the application that its client is back"
    CLOSE_TRANSPORT = "begin the closing handshake on the new transport"
    REVOKE_TOKENS = "void the resume tokens"
    RETAIN = "retain the closed session for a client that may not have received closed"
    RELEASE = "retain it no longer"
    END_EXPIRED = "terminal event: the client did not resume in time"
    HAND_ON = "close the transport without closed; terminal event: the client goes on elsewhere"
    REFUSE_FOR_SHUTDOWN = "say error shutdown and closed; terminal event"
    COMPLETE = "say closed completed; terminal event"
    CONFIRM_CANCEL = "say closed cancelled; terminal event"
    FAIL = "say error and closed; terminal event"
    # both
    SEND = "say it"
    EMIT = "emit it to the application"
    OPEN = "the session is open: its credit, its engine"
    TRACK_ACK = "watermarks are monotone and in order (O12)"
    TRACK_SPEECH = "speech starts and ends in turn (O8)"
    TRACK_PARTIAL = "partials of the open segment, each new or told of a pause, keeping the stable prefix (O5)"
    TRACK_FINAL = "finals tile the audio (O3, O4, O5)"
    TRACK_ANNOTATION = "what is told later is about a final that has been said (O4)"
    TRACK_TURN_MAYBE_END = "a turn begins with its finals, and one end of it is promised at a time (O11)"
    TRACK_TURN_RESUMED = "what is taken back was promised (O11)"
    TRACK_TURN_END = "a turn is its finals, and what was promised (O11)"
    TRACK_FLUSHED = "flushes are answered once, in order (O6)"
    TRACK_CONFIGURED = "changes are answered in order, each at its position (O7)"
    TRACK_INPUT_ENDED = "what the server holds is final (O8)"
    TRACK_LOSS = "samples an engine lost are named"
    GRANT_GRACE = "no timeout against the peer before its messages have been read"
    START_CLOSE_TIMER = "the close timer starts now"
    ABORT_TRANSPORT = "abort the transport"
    DETACH = "the transport is detached"
    END_LOST = "terminal event: lost"


class Rule(NamedTuple):
    """Run ``effects`` in order, then be in state ``next`` (None: stay)."""

    effects: tuple[Effect, ...] = ()
    next: State | None = None
    when: Guard | None = None


class Ignore(NamedTuple):
    """Nothing happens, and ``why`` that is right."""

    why: str
    when: Guard | None = None


class Violation(NamedTuple):
    """Illegal here. ``code`` is an error code, None where the stimulus brings its own."""

    code: str | None
    why: str
    when: Guard | None = None


Outcome = Rule | Ignore | Violation
Cell = tuple[Outcome, ...]


class Move(NamedTuple):
    """An event takes an attachment to ``next``, and ``why``."""

    next: Attachment
    why: str


class Barred(NamedTuple):
    """An event cannot happen to an attachment: no rule that brings it about is taken there, and ``why`` that is so."""

    why: str
