"""The rules of a client: what it says, what it hears, and its transports, verbs and timers."""

from collections.abc import Mapping
from typing import Final

from auricle.core.outcomes import Cell, Effect, Guard, Ignore, Rule, Violation
from auricle.core.rules.cells import (
    CLOSE_TIMER,
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

_AFTER_END: Final = Violation("invalid_state", "the input has ended")
_CONNECTED: Final = Violation("invalid_state", "the session has been connected already")
_NOT_ASKED_FOR: Final = Violation("invalid_state", "the transport is open already, or none was asked for")
_NEWER: Final = Ignore("a later minor version may say more")
NOT_OPEN_YET: Final = Ignore("the server may say so while it loads")
_CROSSED_CANCEL: Final = Ignore("it was on its way when we cancelled", Guard.CANCELLED)


def _until_ended(effect: Effect, *, next_state: State | None) -> dict[State, Cell]:
    """Return the row of a message that the application may send as long as its input is open."""
    return row(
        _AFTER_END,
        {
            C: (Violation("invalid_state", "the input has ended", Guard.ENDED), Rule((effect,))),
            R: Rule((effect,), next_state),
            S: Rule((effect,)),
            X: Violation("invalid_state", "the session is closed"),
        },
    )


_ABORT: Final = Rule((Effect.ABORT,), X, Guard.CANCEL_UNDELIVERABLE)

SAID_BY_CLIENT: Final[Mapping[Kind, Mapping[State, Cell]]] = {
    Kind.AUDIO: _until_ended(Effect.OFFER_AUDIO, next_state=S),
    Kind.GAP: _until_ended(Effect.OFFER_GAP, next_state=S),
    Kind.FLUSH: _until_ended(Effect.QUEUE_FLUSH, next_state=None),
    Kind.CONFIGURE: _until_ended(Effect.QUEUE_CHANGE, next_state=None),
    Kind.END_INPUT: row(
        Ignore("the input ends once"),
        {
            C: (Ignore("the input ends once", Guard.ENDED), Rule((Effect.QUEUE_END,))),
            R: Rule((Effect.QUEUE_END,), I),
            S: Rule((Effect.QUEUE_END,), I),
            X: Ignore("the session has ended, and its input with it"),
        },
    ),
    Kind.CANCEL: row(
        (_ABORT, Rule((Effect.SEND_CANCEL,), D)), {D: (_CROSSED_CANCEL, _ABORT, Rule((Effect.SEND_CANCEL,), D))}
    ),
}


def _result(effect: Effect) -> dict[State, Cell]:
    return row(Rule((effect, Effect.EMIT)), {C: NOT_OPEN})


def _if_wanted(effect: Effect) -> dict[State, Cell]:
    return row((Ignore("we did not ask for these", Guard.NOT_REQUESTED), Rule((effect, Effect.EMIT))), {C: NOT_OPEN})


HEARD_BY_CLIENT: Final[Mapping[Kind, Mapping[State, Cell]]] = {
    Kind.LOADING: row(READY_TWICE, {C: Rule((Effect.EMIT,)), D: (_CROSSED_CANCEL, READY_TWICE)}),
    Kind.READY: row(
        READY_TWICE,
        {
            C: (
                Rule((Effect.OPEN, Effect.EMIT), I, Guard.ENDED),
                Rule((Effect.OPEN, Effect.EMIT), S, Guard.AUDIO_SENT),
                Rule((Effect.OPEN, Effect.EMIT), R),
            ),
            D: (_CROSSED_CANCEL, READY_TWICE),
        },
    ),
    Kind.ACK: row(Rule((Effect.TRACK_ACK, Effect.TRIM_RING, Effect.EMIT)), {C: NOT_OPEN}),
    Kind.SPEECH_START: _result(Effect.TRACK_SPEECH),
    Kind.SPEECH_END: _result(Effect.TRACK_SPEECH),
    Kind.PARTIAL: _result(Effect.TRACK_PARTIAL),
    Kind.FINAL: _result(Effect.TRACK_FINAL),
    Kind.ANNOTATE: _if_wanted(Effect.TRACK_ANNOTATION),
    Kind.TURN_MAYBE_END: _if_wanted(Effect.TRACK_TURN_MAYBE_END),
    Kind.TURN_RESUMED: _if_wanted(Effect.TRACK_TURN_RESUMED),
    Kind.TURN_END: _if_wanted(Effect.TRACK_TURN_END),
    Kind.FLUSHED: _result(Effect.TRACK_FLUSHED),
    Kind.CONFIGURED: _result(Effect.TRACK_CONFIGURED),
    Kind.INPUT_ENDED: row(
        (
            Rule((Effect.TRACK_INPUT_ENDED, Effect.EMIT), D, Guard.ENDED_BY_SERVER),
            Violation("protocol_violation", "we have not ended the input"),
        ),
        {
            C: NOT_OPEN,
            I: Rule((Effect.TRACK_INPUT_ENDED, Effect.EMIT), D),
            D: (_CROSSED_CANCEL, Violation("protocol_violation", "the input ended already")),
        },
    ),
    Kind.WARNING: row(Rule((Effect.EMIT,)), {}),
    Kind.ERROR: row(Rule((Effect.TRACK_LOSS, Effect.EMIT)), {}),
    Kind.STATS: row(Rule((Effect.EMIT,)), {C: NOT_OPEN}),
    Kind.RESUMED: row(
        (
            Rule((Effect.APPLY_RESUMED, Effect.EMIT), when=Guard.RESUMING),
            Violation("protocol_violation", "we have not asked to resume"),
        ),
        {C: Violation("protocol_violation", "we have not asked to resume")},
    ),
    # An error that refuses a resume is not of this session: its closed decides whether this one ends too.
    # So does that of a server which refuses a session that may still open elsewhere.
    Kind.FATAL: row(
        (Rule((Effect.STORE_ERROR,), when=Guard.RESUMING), Rule((Effect.STORE_ERROR, Effect.EMIT))),
        {
            C: (
                Rule((Effect.STORE_ERROR,), when=Guard.RETRY_LATER),
                Rule((Effect.STORE_ERROR,), when=Guard.OPENING_AGAIN),
                Rule((Effect.STORE_ERROR, Effect.EMIT)),
            )
        },
    ),
    Kind.PONG: row(Rule((Effect.NOTE_PONG,)), {C: NOT_OPEN_YET}),
    Kind.CLOSED: row(
        (
            Rule((Effect.RESTART,), C, Guard.SESSION_GONE),
            Rule((Effect.RETRY,), when=Guard.RETRY_LATER),
            Rule((Effect.END_REFUSED,), X, Guard.RESUMING),
            Rule((Effect.CONCLUDE,), X),
        ),
        {
            C: (
                Rule((Effect.RETRY,), when=Guard.RETRY_LATER),
                Rule((Effect.OPEN_AGAIN,), when=Guard.OPENING_AGAIN),
                Rule((Effect.CONCLUDE,), X),
            )
        },
    ),
    Kind.UNKNOWN: row(_NEWER, {}),
    Kind.MALFORMED: row(Violation("protocol_violation", "not a message of this protocol"), {}),
}


def _reconnect_or_fail(code: str, why: str) -> Cell:
    """Return the cell of a server that does not answer: reconnect where the session may be recovered, else end it."""
    return Rule((Effect.RETRY,), when=Guard.RECONNECTABLE), Violation(code, why)


LOCAL_TO_CLIENT: Final[Mapping[Kind, Mapping[State, Cell]]] = {
    Kind.CONNECT: row(
        _CONNECTED, {C: (Rule((Effect.REQUEST_TRANSPORT,), when=Guard.UNCONNECTED), _CONNECTED), X: _CONNECTED}
    ),
    Kind.OPENED: row(
        (Rule((Effect.SEND_RESUME,), when=Guard.RESUME_DUE), _NOT_ASKED_FOR),
        {
            C: (Rule((Effect.SEND_START,), when=Guard.START_DUE), _NOT_ASKED_FOR),
            X: (
                Violation("invalid_state", "the transport is open already", Guard.ATTACHED),
                Rule((Effect.ABORT_TRANSPORT,)),
            ),
        },
    ),
    Kind.LOST: row(
        (Rule((Effect.INTERRUPT,), when=Guard.RECONNECTABLE), Rule((Effect.END_LOST,), X)),
        {
            C: (
                Rule((Effect.INTERRUPT,), when=Guard.RECONNECTABLE),
                Rule((Effect.OPEN_AGAIN,), when=Guard.OPENING_AGAIN),
                Rule((Effect.END_LOST,), X),
            ),
            X: Rule((Effect.DETACH,)),
        },
    ),
    Kind.ABORT: row(Rule((Effect.ABORT,), X), {}),
    Kind.SEND_PENDING: row(Rule((Effect.SEND_PENDING,)), {D: Ignore("the server takes no more input"), X: NOT_ARMED}),
    Kind.OPEN_EXPIRED: row(
        _reconnect_or_fail("connect_timeout", "the server did not answer"),
        {
            C: (
                Rule((Effect.RETRY,), when=Guard.RECONNECTABLE),
                Rule((Effect.END_UNOPENED,), X, Guard.REFUSED_BEFORE),
                Violation("connect_timeout", "the server did not answer"),
            )
        },
    ),
    Kind.READY_EXPIRED: row(_reconnect_or_fail("ready_timeout", "the server never became ready"), {}),
    Kind.SILENCE_EXPIRED: row(
        NOT_ARMED, {state: _reconnect_or_fail("silence", "the server fell silent") for state in (R, S, I)}
    ),
    Kind.DRAIN_EXPIRED: row(
        NOT_ARMED,
        {
            state: _reconnect_or_fail("drain_timeout", "the server fell silent before the last results")
            for state in (I, D)
        },
    ),
    Kind.LOAD_EXPIRED: row(NOT_ARMED, {C: Violation("ready_timeout", "the server has been loading for too long")}),
    Kind.STALL_EXPIRED: row(
        NOT_ARMED,
        {
            S: Violation("drain_timeout", "the server takes no more audio, and nothing moves"),
            I: Violation("drain_timeout", "the server has not ended the input, and nothing moves"),
            D: Violation("drain_timeout", "the last results have not come in the time that the server set itself"),
        },
    ),
    Kind.RESUME_EXPIRED: row(Rule((Effect.END_UNREACHABLE,), X), {}),
    Kind.BACKOFF_RESET_DUE: row(Rule((Effect.RESET_BACKOFF,)), {C: NOT_ARMED}),
    Kind.FLUSH_EXPIRED: row(Rule((Effect.REPORT_FLUSH_TIMEOUT,)), {C: NOT_ARMED, D: NOT_ARMED}),
    Kind.PING_DUE: row(Rule((Effect.SEND_PING,)), {C: NOT_ARMED}),
    Kind.CLOSE_EXPIRED: row(NOT_ARMED, {X: Rule((Effect.ABORT_TRANSPORT, Effect.DETACH))}),
    Kind.EMPTIED: CLOSE_TIMER,
    Kind.TIMER_LATE: TIMER_LATE,
}
