"""The rules of a server: what it says, what it hears, and its transports, verbs and timers."""

from collections.abc import Mapping
from typing import Final

from auricle.core.outcomes import Cell, Effect, Guard, Ignore, Rule, Violation
from auricle.core.rules.cells import (
    CLOSE_TIMER,
    NO_START,
    NOT_ARMED,
    NOT_OPEN,
    READY_TWICE,
    TIMER_LATE,
    C,
    D,
    I,
    R,
    S,
    X,
    row,
)
from auricle.core.states import Kind, State

_NO_AUDIO: Final = Violation("invalid_state", "no audio has been received")
_NOT_ASKED_FOR: Final = Ignore("the client did not ask for these", Guard.NOT_REQUESTED)


def _result(effect: Effect) -> dict[State, Cell]:
    """Return the row of a result about audio: illegal before there is any, ignored once the session has closed."""
    return row((_NOT_ASKED_FOR, Rule((effect, Effect.SEND))), {C: NOT_OPEN, R: _NO_AUDIO})


SAID_BY_SERVER: Final[Mapping[Kind, Mapping[State, Cell]]] = {
    Kind.LOADING: row(READY_TWICE, {C: (Rule((Effect.SEND,), when=Guard.STARTED), NO_START)}),
    Kind.READY: row(
        READY_TWICE,
        {
            C: (
                Rule((Effect.OPEN, Effect.SEND), I, Guard.ENDED),
                Rule((Effect.OPEN, Effect.SEND), S, Guard.AUDIO_SENT),
                Rule((Effect.OPEN, Effect.SEND), R, Guard.STARTED),
                NO_START,
            )
        },
    ),
    Kind.SPEECH_START: _result(Effect.TRACK_SPEECH),
    Kind.SPEECH_END: _result(Effect.TRACK_SPEECH),
    Kind.PARTIAL: row(
        (
            _NOT_ASKED_FOR,
            Ignore("an unchanged partial is never repeated", Guard.UNCHANGED),
            Rule((Effect.TRACK_PARTIAL, Effect.SEND)),
        ),
        {C: NOT_OPEN, R: _NO_AUDIO},
    ),
    Kind.FINAL: row(
        Rule((Effect.TRACK_FINAL, Effect.SEND, Effect.SETTLE_TURN_WITH_FINAL)), {C: NOT_OPEN, R: _NO_AUDIO}
    ),
    Kind.ANNOTATE: _result(Effect.TRACK_ANNOTATION),
    Kind.TURN_MAYBE_END: row(
        (
            _NOT_ASKED_FOR,
            Ignore("what is promised already is not said again", Guard.UNCHANGED),
            Rule((Effect.SAY_TURN_MAYBE_END,)),
        ),
        {C: NOT_OPEN, R: _NO_AUDIO},
    ),
    Kind.TURN_RESUMED: row(
        (
            _NOT_ASKED_FOR,
            Ignore("there is nothing to take back", Guard.NOT_ENDING),
            Rule((Effect.TRACK_TURN_RESUMED, Effect.SEND)),
        ),
        {C: NOT_OPEN, R: _NO_AUDIO},
    ),
    Kind.TURN_END: row(
        (
            _NOT_ASKED_FOR,
            Ignore("nothing has been said in it", Guard.TURN_EMPTY),
            Rule((Effect.SAY_TURN_END,)),
        ),
        {C: NOT_OPEN, R: _NO_AUDIO},
    ),
    Kind.FLUSHED: row(Rule((Effect.SEND_FLUSHED,)), {C: NOT_OPEN, R: _NO_AUDIO}),
    # Said about a position, not about audio: it may be the first thing that happens.
    Kind.CONFIGURED: row(Rule((Effect.TRACK_CONFIGURED, Effect.SEND)), {C: NOT_OPEN}),
    Kind.ERROR: row(
        (
            Rule((Effect.TRACK_LOSS, Effect.FAIL), X, Guard.FAILURE_LIMIT),
            Rule((Effect.TRACK_LOSS, Effect.SEND, Effect.SETTLE_TURN_WITH_LOSS)),
        ),
        {C: NOT_OPEN},
    ),
    Kind.WARNING: row(Rule((Effect.SEND,)), {C: NOT_OPEN}),
}


def _timeline(effect: Effect) -> dict[State, Cell]:
    """Return the row of audio or a gap: counted, and late after the end of input."""
    return row(
        Rule((Effect.COUNT_LATE_AUDIO,)),
        {
            C: (Rule((Effect.COUNT_LATE_AUDIO,), when=Guard.ENDED), Rule((effect,), when=Guard.STARTED), NO_START),
            R: Rule((effect,), S),
            S: Rule((effect,)),
        },
    )


_REPEATED: Final = Rule((Effect.REFUSE_REPEATED,), when=Guard.REPEATED)
_REPEATED_EARLY: Final = Violation("protocol_violation", "each flush and change has an id of its own", Guard.REPEATED)
_CHANGE: Final = (
    _REPEATED,
    Ignore("a change is answered once for each id", Guard.KNOWN_CHANGE),
    Rule((Effect.RECEIVE_CHANGE,)),
)

HEARD_BY_SERVER: Final[Mapping[Kind, Mapping[State, Cell]]] = {
    Kind.RESUME: row(
        Violation("protocol_violation", "resume must be the first message of a connection"),
        {
            C: (
                Violation("protocol_violation", "resume must be the first message of a connection", Guard.STARTED),
                # A resume that names a known session never comes here: its connection goes to that session.
                Violation("session_gone", "there is no such session here"),
            )
        },
    ),
    Kind.START: row(
        Violation("already_started", "start may be said once"),
        {
            C: (
                Violation("already_started", "start may be said once", Guard.STARTED),
                Rule((Effect.RECEIVE_START,)),
            )
        },
    ),
    Kind.AUDIO: _timeline(Effect.RECEIVE_AUDIO),
    Kind.GAP: _timeline(Effect.RECEIVE_GAP),
    Kind.CONFIGURE: row(
        (_REPEATED, Ignore("a change is answered once for each id", Guard.KNOWN_CHANGE), Rule((Effect.REFUSE_CHANGE,))),
        {
            C: (
                _REPEATED_EARLY,
                Rule((Effect.RECEIVE_CHANGE,), when=Guard.STARTED),
                NO_START,
            ),
            R: _CHANGE,
            S: _CHANGE,
        },
    ),
    Kind.FLUSH: row(
        (_REPEATED, Ignore("a flush is answered once for each id", Guard.KNOWN_FLUSH), Rule((Effect.RECEIVE_FLUSH,))),
        {
            C: (
                _REPEATED_EARLY,
                Rule((Effect.RECEIVE_FLUSH,), when=Guard.STARTED),
                NO_START,
            ),
        },
    ),
    Kind.END_INPUT: row(
        Ignore("the input ends once"),
        {
            C: (
                Ignore("the input ends once", Guard.ENDED),
                # The state changes with ready: until then the model may still be loading.
                Rule((Effect.RECEIVE_END,), when=Guard.STARTED),
                NO_START,
            ),
            R: Rule((Effect.RECEIVE_END,), I),
            S: Rule((Effect.RECEIVE_END,), I),
        },
    ),
    Kind.CANCEL: row(Rule((Effect.CONFIRM_CANCEL,), X), {}),
    Kind.PING: row(Rule((Effect.SEND_PONG,)), {}),
    Kind.UNKNOWN: row(Rule((Effect.WARN_UNKNOWN,)), {C: (Rule((Effect.WARN_UNKNOWN,), when=Guard.STARTED), NO_START)}),
    Kind.MALFORMED: row(
        (
            Ignore("a change is answered once for each id", Guard.KNOWN_CHANGE),
            Rule((Effect.REFUSE_CHANGE,), when=Guard.MALFORMED_CHANGE),
            Violation(None, "not a message of this protocol"),
        ),
        {C: Violation(None, "not a message of this protocol")},
    ),
}

_END_BY_SERVER: Final = Rule((Effect.STOP_INPUT,), I)
_PENDING_ANSWERS: Final = (
    Rule((Effect.SEND_DEFERRED_WARNING,), when=Guard.WARNING_DEFERRED),
    Rule((Effect.SEND_OLDEST_FLUSHED,), when=Guard.FLUSH_DECIDED),
)

LOCAL_TO_SERVER: Final[Mapping[Kind, Mapping[State, Cell]]] = {
    Kind.LOST: row(
        (
            Rule((Effect.END_LOST,), X, Guard.DRIVER_CANCELLED),
            Ignore("that transport is detached already", Guard.DETACHED),
            Rule((Effect.AWAIT_RESUME,), when=Guard.RESUMABLE),
            Rule((Effect.END_LOST,), X),
        ),
        {
            X: (
                Ignore("that transport is detached already", Guard.DETACHED),
                Rule((Effect.RETAIN,), when=Guard.CLOSED_UNCONFIRMED),
                Rule((Effect.DETACH,)),
            )
        },
    ),
    Kind.ATTACH: row(
        Rule((Effect.ACCEPT_RESUME, Effect.EMIT_RECONNECTED)),
        {
            C: NOT_OPEN,
            X: (
                Rule((Effect.ACCEPT_RESUME, Effect.CLOSE_TRANSPORT), when=Guard.RETAINED),
                Violation("session_gone", "the session is over"),
            ),
        },
    ),
    Kind.RESUME_EXPIRED: row(Rule((Effect.END_EXPIRED,), X), {X: Rule((Effect.RELEASE,))}),
    Kind.NO_RETURN: row(
        (Rule((Effect.REVOKE_TOKENS,), when=Guard.ATTACHED), Rule((Effect.REVOKE_TOKENS, Effect.END_EXPIRED), X)),
        {C: Ignore("there is nothing to come back to"), X: Rule((Effect.REVOKE_TOKENS,))},
    ),
    # Who can go on elsewhere does so at once; for everybody else what has come is still decided.
    Kind.SHUT_DOWN: row(
        (Rule((Effect.REVOKE_TOKENS,), when=Guard.ATTACHED), Rule((Effect.REVOKE_TOKENS, Effect.END_EXPIRED), X)),
        {
            C: Rule((Effect.REFUSE_FOR_SHUTDOWN,), X),
            R: (Rule((Effect.REVOKE_TOKENS, Effect.HAND_ON), X, Guard.CAN_GO_ON), _END_BY_SERVER),
            S: (Rule((Effect.REVOKE_TOKENS, Effect.HAND_ON), X, Guard.CAN_GO_ON), _END_BY_SERVER),
            X: Rule((Effect.REVOKE_TOKENS,)),
        },
    ),
    Kind.PROGRESS: row(Rule((Effect.ADVANCE,)), {C: NOT_OPEN}),
    Kind.QUEUE_PREDICTED: row(Rule((Effect.NOTE_PREDICTION,)), {C: NOT_OPEN}),
    Kind.QUEUE_MOVED: row(Rule((Effect.NOTE_PREDICTION, Effect.NOTE_QUEUE)), {C: NOT_OPEN}),
    Kind.END_BY_SERVER: row(Ignore("the input has ended already"), {C: NOT_OPEN, R: _END_BY_SERVER, S: _END_BY_SERVER}),
    Kind.FINISH: row(
        Violation("invalid_state", "the input has not ended, or a flush from before its end is unanswered"),
        {D: Rule((Effect.COMPLETE,), X)},
    ),
    Kind.FAIL: row(Rule((Effect.FAIL,), X), {}),
    Kind.ANSWER_PENDING: row(
        (*_PENDING_ANSWERS, Ignore("nothing is owed")),
        {
            C: Ignore("ready comes first (O1)"),
            I: (
                *_PENDING_ANSWERS,
                Rule((Effect.SEND_INPUT_ENDED,), D, Guard.INPUT_ANSWERED),
                Ignore("input_ended comes after the flushes before it (O8)"),
            ),
        },
    ),
    Kind.HELLO_EXPIRED: row(NOT_ARMED, {C: Violation("hello_timeout", "no start was said in time")}),
    Kind.IDLE_EXPIRED: row(
        NOT_ARMED,
        {
            state: (
                Rule((Effect.ABORT_TRANSPORT, Effect.AWAIT_RESUME), when=Guard.RESUMABLE),
                Violation("idle", "nothing has been heard for too long"),
            )
            for state in (R, S)
        },
    ),
    Kind.DRAIN_EXPIRED: row(
        NOT_ARMED,
        {state: Violation("drain_timeout", "the rest was not decided in time") for state in (I, D)},
    ),
    Kind.LOAD_EXPIRED: row(
        NOT_ARMED, {C: Violation("engine_unavailable", "the engine was not ready for this session in time")}
    ),
    Kind.STALL_EXPIRED: row(NOT_ARMED, {S: Violation("engine_failed", "the engine processes no audio any more")}),
    Kind.PROGRESS_DUE: row(Rule((Effect.SEND_PROGRESS,)), {R: NOT_ARMED}),
    Kind.ACK_DUE: row(Rule((Effect.SEND_ACK,)), {C: NOT_ARMED}),
    Kind.STATS_DUE: row(Rule((Effect.SEND_STATS,)), {C: NOT_ARMED}),
    Kind.EXPIRY_NEAR: row(NOT_ARMED, {state: Rule((Effect.WARN_OF_EXPIRY,)) for state in (R, S)}),
    Kind.SESSION_MAX_REACHED: row(NOT_ARMED, {R: _END_BY_SERVER, S: _END_BY_SERVER}),
    Kind.AUDIO_IDLE: row(NOT_ARMED, {R: _END_BY_SERVER, S: _END_BY_SERVER}),
    Kind.CLOSE_EXPIRED: row(
        NOT_ARMED,
        {
            X: (
                Rule((Effect.ABORT_TRANSPORT, Effect.RETAIN), when=Guard.RESUMABLE),
                Rule((Effect.ABORT_TRANSPORT, Effect.DETACH)),
            )
        },
    ),
    Kind.EMPTIED: CLOSE_TIMER,
    Kind.TIMER_LATE: TIMER_LATE,
}
