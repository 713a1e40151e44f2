"""The rule table: every transition of the protocol, and nothing else.

Two rules about this file. Every transition is here: no other file names a next state. And the rules are role-blind:
a row says what a message does to a conversation, whoever says it; ``say`` and ``hear`` only pick the end of the wire.

Each cell is a sequence of outcomes. The first whose guard holds is taken, and the last has no guard, so every cell
decides. An outcome is one of

* `Rule`: run these effects, then be in this state (None: stay);
* `Ignore`: nothing happens, and this is why that is right;
* `Violation`: when we say it, `LocalProtocolError` and nothing changes; when we hear it, the peer broke the protocol.

Sources: notes/wire-protocols.md §3.5 (legality), §3.8 (timers); notes/sans-io.md §6.2.
"""

from collections.abc import Mapping
from typing import Final

from auricle.core.outcomes import Cell, Effect, Guard, Ignore, Outcome, Rule, Violation
from auricle.core.states import CLIENT_KINDS, RESERVED, SERVER_KINDS, Kind, Role, Side, State

C, R, S, I, D, X = (  # noqa: E741 - one letter a state keeps a table row on one line
    State.CONNECTING,
    State.READY,
    State.STREAMING,
    State.INPUT_ENDED,
    State.DRAINING,
    State.CLOSED,
)
_OPEN: Final = (C, R, S, I, D)

_GONE = Ignore("the session is closed; this crossed on the wire")
_QUIET = Ignore("not armed in this state")
_NO_START = Violation("config_required", "the first message must be start")
_AFTER_END = Violation("invalid_state", "the input has ended")
_NOT_OPEN = Violation("protocol_violation", "the session is not ready")
_TWICE = Violation("protocol_violation", "the session is ready already")
_NO_AUDIO = Violation("invalid_state", "no audio has been received")
_LATER = Ignore("a later minor version may say more")


def _row(default: Outcome | Cell, cells: Mapping[State, Outcome | Cell]) -> dict[State, Cell]:
    """One row: ``cells`` by state, ``default`` for the open states that are not named; closed ignores."""
    row = {state: _cell(default) for state in _OPEN} | {X: _cell(_GONE)}
    return row | {state: _cell(cell) for state, cell in cells.items()}


def _cell(cell: Outcome | Cell) -> Cell:
    return (cell,) if isinstance(cell, Rule | Ignore | Violation) else cell


HEARD_BY_SERVER: Final[Mapping[Kind, Mapping[State, Cell]]] = {
    Kind.START: _row(
        Violation("already_started", "start may be said once"),
        {
            C: (
                Violation("already_started", "start may be said once", Guard.STARTED),
                Rule((Effect.TAKE_START,)),
            )
        },
    ),
    Kind.AUDIO: _row(
        Rule((Effect.COUNT_LATE,)),
        {
            C: (
                Rule((Effect.COUNT_LATE,), when=Guard.ENDED),
                Rule((Effect.TAKE_AUDIO,), when=Guard.STARTED),
                _NO_START,
            ),
            R: Rule((Effect.TAKE_AUDIO,), S),
            S: Rule((Effect.TAKE_AUDIO,)),
        },
    ),
    Kind.FLUSH: _row(
        (Ignore("a flush is answered once for each id", Guard.KNOWN_FLUSH), Rule((Effect.TAKE_FLUSH,))),
        {
            C: (
                Ignore("a flush is answered once for each id", Guard.KNOWN_FLUSH),
                Rule((Effect.TAKE_FLUSH,), when=Guard.STARTED),
                _NO_START,
            ),
        },
    ),
    Kind.END_INPUT: _row(
        Ignore("the input ends once"),
        {
            C: (
                Ignore("the input ends once", Guard.ENDED),
                # The state moves on with ready: until then the model may still be loading.
                Rule((Effect.TAKE_END,), when=Guard.STARTED),
                _NO_START,
            ),
            R: Rule((Effect.TAKE_END,), I),
            S: Rule((Effect.TAKE_END,), I),
        },
    ),
    Kind.CANCEL: _row(Rule((Effect.CONFIRM_CANCEL,), X), {}),
    Kind.PING: _row(Rule((Effect.ANSWER_PING,)), {}),
    **{
        kind: _row(
            Rule((Effect.WARN_UNKNOWN,)),
            {C: (Rule((Effect.WARN_UNKNOWN,), when=Guard.STARTED), _NO_START)},
        )
        # Until the reserved ones are built they answer as an unknown message does.
        for kind in (*RESERVED, Kind.UNKNOWN)
    },
    Kind.MALFORMED: _row(Violation(None, "not a message of this protocol"), {}),
}

_CROSSED_CANCEL = Ignore("it was on its way when we cancelled", Guard.CANCELLED)


def _told(effect: Effect) -> dict[State, Cell]:
    return _row(Rule((effect, Effect.EMIT)), {C: _NOT_OPEN})


HEARD_BY_CLIENT: Final[Mapping[Kind, Mapping[State, Cell]]] = {
    Kind.LOADING: _row(_TWICE, {C: Rule((Effect.EMIT,)), D: (_CROSSED_CANCEL, _TWICE)}),
    Kind.READY: _row(
        _TWICE,
        {
            C: (
                Rule((Effect.OPEN, Effect.EMIT), I, Guard.ENDED),
                Rule((Effect.OPEN, Effect.EMIT), S, Guard.AUDIO_CARRIED),
                Rule((Effect.OPEN, Effect.EMIT), R),
            ),
            D: (_CROSSED_CANCEL, _TWICE),
        },
    ),
    Kind.ACK: _told(Effect.TRACK_ACK),
    Kind.SPEECH_START: _told(Effect.TRACK_SPEECH),
    Kind.SPEECH_END: _told(Effect.TRACK_SPEECH),
    Kind.PARTIAL: _told(Effect.TRACK_PARTIAL),
    Kind.FINAL: _told(Effect.TRACK_FINAL),
    Kind.FLUSHED: _told(Effect.TRACK_FLUSHED),
    Kind.INPUT_ENDED: _row(
        (
            Rule((Effect.TRACK_INPUT_ENDED, Effect.EMIT), D, Guard.BY_SERVER),
            Violation("protocol_violation", "we have not ended the input"),
        ),
        {
            C: _NOT_OPEN,
            I: Rule((Effect.TRACK_INPUT_ENDED, Effect.EMIT), D),
            D: (_CROSSED_CANCEL, Violation("protocol_violation", "the input ended already")),
        },
    ),
    Kind.WARNING: _row(Rule((Effect.EMIT,)), {}),
    Kind.ERROR: _row(Rule((Effect.TRACK_LOSS, Effect.EMIT)), {}),
    Kind.FATAL: _row(Rule((Effect.REMEMBER_ERROR, Effect.EMIT)), {}),
    Kind.PONG: _row(Ignore("hearing anything at all is the answer to a ping"), {}),
    Kind.CLOSED: _row(Rule((Effect.CONCLUDE,), X), {}),
    **{kind: _row(_LATER, {}) for kind in (*RESERVED, Kind.UNKNOWN)},
    Kind.MALFORMED: _row(Violation("protocol_violation", "not a message of this protocol"), {}),
}

_LEAVE = Rule((Effect.ABANDON,), X, Guard.UNHEARD)

SAID_BY_CLIENT: Final[Mapping[Kind, Mapping[State, Cell]]] = {
    Kind.AUDIO: _row(
        _AFTER_END,
        {
            C: (Violation("invalid_state", "the input has ended", Guard.ENDED), Rule((Effect.OFFER_AUDIO,))),
            R: Rule((Effect.OFFER_AUDIO,), S),
            S: Rule((Effect.OFFER_AUDIO,)),
            X: Violation("invalid_state", "the session is closed"),
        },
    ),
    Kind.FLUSH: _row(
        _AFTER_END,
        {
            C: (Violation("invalid_state", "the input has ended", Guard.ENDED), Rule((Effect.ASK_FLUSH,))),
            R: Rule((Effect.ASK_FLUSH,)),
            S: Rule((Effect.ASK_FLUSH,)),
            X: Violation("invalid_state", "the session is closed"),
        },
    ),
    Kind.END_INPUT: _row(
        Ignore("the input ends once"),
        {
            C: (Ignore("the input ends once", Guard.ENDED), Rule((Effect.ASK_END,))),
            R: Rule((Effect.ASK_END,), I),
            S: Rule((Effect.ASK_END,), I),
            X: Ignore("the session has ended, and its input with it"),
        },
    ),
    Kind.CANCEL: _row(
        (_LEAVE, Rule((Effect.SAY_CANCEL,), D)), {D: (_CROSSED_CANCEL, _LEAVE, Rule((Effect.SAY_CANCEL,), D))}
    ),
}


def _result(effect: Effect) -> dict[State, Cell]:
    """What an engine says about audio: never before there is any; nothing once the session has closed."""
    return _row(
        (Ignore("the client did not ask for these", Guard.UNWANTED), Rule((effect, Effect.SEND))),
        {C: _NOT_OPEN, R: _NO_AUDIO},
    )


SAID_BY_SERVER: Final[Mapping[Kind, Mapping[State, Cell]]] = {
    Kind.LOADING: _row(_TWICE, {C: (Rule((Effect.SEND,), when=Guard.STARTED), _NO_START)}),
    Kind.READY: _row(
        _TWICE,
        {
            C: (
                Rule((Effect.OPEN, Effect.SEND), I, Guard.ENDED),
                Rule((Effect.OPEN, Effect.SEND), S, Guard.AUDIO_CARRIED),
                Rule((Effect.OPEN, Effect.SEND), R, Guard.STARTED),
                _NO_START,
            )
        },
    ),
    Kind.SPEECH_START: _result(Effect.TRACK_SPEECH),
    Kind.SPEECH_END: _result(Effect.TRACK_SPEECH),
    Kind.PARTIAL: _row(
        (
            Ignore("the client did not ask for these", Guard.UNWANTED),
            Ignore("an unchanged partial is never repeated", Guard.UNCHANGED),
            Rule((Effect.TRACK_PARTIAL, Effect.SEND)),
        ),
        {C: _NOT_OPEN, R: _NO_AUDIO},
    ),
    Kind.FINAL: _result(Effect.TRACK_FINAL),
    Kind.FLUSHED: _result(Effect.TRACK_FLUSHED),
    Kind.ERROR: _row(
        (
            Rule((Effect.TRACK_LOSS, Effect.GIVE_UP), X, Guard.LAST_STRAW),
            Rule((Effect.TRACK_LOSS, Effect.SEND)),
        ),
        {C: _NOT_OPEN, R: _NO_AUDIO},
    ),
    Kind.WARNING: _row(Rule((Effect.SEND,)), {C: _NOT_OPEN}),
}

_BY_SERVER_END = Rule((Effect.STOP_INPUT,), I)
_OVERSLEPT: Final = _row(Rule((Effect.FORGIVE,)), {X: Rule((Effect.FORGIVE,))})
_SETTLE: Final = (Rule((Effect.SAY_UNSAID,), when=Guard.UNSAID), Rule((Effect.ANSWER_FLUSH,), when=Guard.MOOT_FLUSH))

LOCAL_TO_CLIENT: Final[Mapping[Kind, Mapping[State, Cell]]] = {
    Kind.OPENED: _row(
        Violation("invalid_state", "the transport is open already"),
        {
            C: (
                Violation("invalid_state", "the transport is open already", Guard.STARTED),
                Rule((Effect.GREET,)),
            ),
            X: Rule((Effect.HANG_UP,)),
        },
    ),
    Kind.LOST: _row(Rule((Effect.LOSE,), X), {X: Rule((Effect.DETACH,))}),
    Kind.ABORT: _row(Rule((Effect.ABANDON,), X), {}),
    Kind.PUMP: _row(Rule((Effect.PUMP,)), {D: Ignore("the server takes no more input"), X: _QUIET}),
    Kind.OPEN_EXPIRED: _row(_QUIET, {C: Violation("connect_timeout", "the server did not answer")}),
    Kind.READY_EXPIRED: _row(_QUIET, {C: Violation("ready_timeout", "the server never became ready")}),
    Kind.SILENCE_EXPIRED: _row(
        _QUIET,
        {
            R: Violation("silence", "the server fell silent"),
            S: Violation("silence", "the server fell silent"),
        },
    ),
    Kind.DRAIN_EXPIRED: _row(
        _QUIET,
        {
            I: Violation("drain_timeout", "the server fell silent before the last results"),
            D: Violation("drain_timeout", "the server fell silent before the last results"),
        },
    ),
    Kind.FLUSH_EXPIRED: _row(Rule((Effect.GIVE_UP_FLUSH,)), {C: _QUIET, D: _QUIET}),
    Kind.PING_DUE: _row(Rule((Effect.SAY_PING,)), {C: _QUIET}),
    Kind.CLOSE_EXPIRED: _row(_QUIET, {X: Rule((Effect.HANG_UP,))}),
    Kind.OVERSLEPT: _OVERSLEPT,
}

LOCAL_TO_SERVER: Final[Mapping[Kind, Mapping[State, Cell]]] = {
    Kind.LOST: _row(Rule((Effect.LOSE,), X), {X: Rule((Effect.DETACH,))}),
    Kind.PROGRESS: _row(Rule((Effect.ADVANCE,)), {C: _NOT_OPEN}),
    Kind.END_BY_SERVER: _row(
        Ignore("the input has ended already"), {C: _NOT_OPEN, R: _BY_SERVER_END, S: _BY_SERVER_END}
    ),
    Kind.FINISH: _row(
        Violation("invalid_state", "the input has not ended, or a flush from before its end is unanswered"),
        {D: Rule((Effect.COMPLETE,), X)},
    ),
    Kind.FAIL: _row(Rule((Effect.GIVE_UP,), X), {}),
    Kind.SETTLE: _row(
        (*_SETTLE, Ignore("nothing is owed")),
        {
            C: Ignore("ready comes first (O1)"),
            I: (
                *_SETTLE,
                Rule((Effect.SAY_INPUT_ENDED,), D, Guard.INPUT_SETTLED),
                Ignore("input_ended comes after the flushes before it (O8)"),
            ),
        },
    ),
    Kind.HELLO_EXPIRED: _row(_QUIET, {C: Violation("hello_timeout", "no start was said in time")}),
    Kind.IDLE_EXPIRED: _row(
        _QUIET,
        {state: Violation("idle", "nothing has been heard for too long") for state in (R, S)},
    ),
    Kind.DRAIN_EXPIRED: _row(
        _QUIET,
        {state: Violation("drain_timeout", "the rest was not decided in time") for state in (I, D)},
    ),
    Kind.PROGRESS_DUE: _row(Rule((Effect.SAY_PROGRESS,)), {R: _QUIET}),
    Kind.ACK_DUE: _row(Rule((Effect.SAY_ACK,)), {C: _QUIET}),
    Kind.CLOSE_EXPIRED: _row(_QUIET, {X: Rule((Effect.HANG_UP,))}),
    Kind.OVERSLEPT: _OVERSLEPT,
}

TABLE: Final[Mapping[tuple[Role, Side], Mapping[Kind, Mapping[State, Cell]]]] = {
    (Role.CLIENT, Side.SAY): SAID_BY_CLIENT,
    (Role.CLIENT, Side.HEAR): HEARD_BY_CLIENT,
    (Role.CLIENT, Side.LOCAL): LOCAL_TO_CLIENT,
    (Role.SERVER, Side.SAY): SAID_BY_SERVER,
    (Role.SERVER, Side.HEAR): HEARD_BY_SERVER,
    (Role.SERVER, Side.LOCAL): LOCAL_TO_SERVER,
}

EXPECTED_KINDS: Final[Mapping[tuple[Role, Side], tuple[Kind, ...]]] = {
    (Role.CLIENT, Side.HEAR): SERVER_KINDS,
    (Role.SERVER, Side.HEAR): CLIENT_KINDS,
}
"""What either party may be told: the table has a row for each, a test holds it."""

AFTER_VIOLATION: Final = State.CLOSED
"""The one transition that is in no cell: hearing a `Violation` (or a breached guarantee) ends the session."""
