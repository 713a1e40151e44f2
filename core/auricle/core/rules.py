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


def _arriving(effect: Effect) -> dict[State, Cell]:
    """Audio, or the lack of it: counted, and late after the end of input."""
    return _row(
        Rule((Effect.COUNT_LATE,)),
        {
            C: (Rule((Effect.COUNT_LATE,), when=Guard.ENDED), Rule((effect,), when=Guard.STARTED), _NO_START),
            R: Rule((effect,), S),
            S: Rule((effect,)),
        },
    )


_CHANGE: Final = (
    Ignore("a change is answered once for each id", Guard.KNOWN_CHANGE),
    Rule((Effect.TAKE_CHANGE,)),
)

HEARD_BY_SERVER: Final[Mapping[Kind, Mapping[State, Cell]]] = {
    Kind.RESUME: _row(
        Violation("protocol_violation", "resume must be the first message of a connection"),
        {
            C: (
                Violation("protocol_violation", "resume must be the first message of a connection", Guard.STARTED),
                # Whoever knows a session hands the connection to it before a new one is born.
                Violation("session_gone", "there is no such session here"),
            )
        },
    ),
    Kind.START: _row(
        Violation("already_started", "start may be said once"),
        {
            C: (
                Violation("already_started", "start may be said once", Guard.STARTED),
                Rule((Effect.TAKE_START,)),
            )
        },
    ),
    Kind.AUDIO: _arriving(Effect.TAKE_AUDIO),
    Kind.GAP: _arriving(Effect.TAKE_GAP),
    Kind.CONFIGURE: _row(
        (Ignore("a change is answered once for each id", Guard.KNOWN_CHANGE), Rule((Effect.REFUSE_CHANGE,))),
        {
            C: (
                Ignore("a change is answered once for each id", Guard.KNOWN_CHANGE),
                Rule((Effect.TAKE_CHANGE,), when=Guard.STARTED),
                _NO_START,
            ),
            R: _CHANGE,
            S: _CHANGE,
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
    Kind.MALFORMED: _row(
        (
            Ignore("a change is answered once for each id", Guard.KNOWN_CHANGE),
            Rule((Effect.REFUSE_CHANGE,), when=Guard.ONLY_A_CHANGE),
            Violation(None, "not a message of this protocol"),
        ),
        {C: Violation(None, "not a message of this protocol")},
    ),
}

_CROSSED_CANCEL = Ignore("it was on its way when we cancelled", Guard.CANCELLED)


def _told(effect: Effect) -> dict[State, Cell]:
    return _row(Rule((effect, Effect.EMIT)), {C: _NOT_OPEN})


def _gated(row: Mapping[State, Cell]) -> dict[State, Cell]:
    """Until ``resumed`` nothing else can be said of the session: the client's place in it is not known."""
    return {state: (_NOT_RESUMED, *cell) if state is not X else cell for state, cell in row.items()}


_NOT_RESUMED: Final = Violation("protocol_violation", "the answer to resume is resumed", Guard.GATED)
_SESSION_TALK: Final[Mapping[Kind, Mapping[State, Cell]]] = {
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
    Kind.ACK: _row(Rule((Effect.TRACK_ACK, Effect.TRIM, Effect.EMIT)), {C: _NOT_OPEN}),
    Kind.SPEECH_START: _told(Effect.TRACK_SPEECH),
    Kind.SPEECH_END: _told(Effect.TRACK_SPEECH),
    Kind.PARTIAL: _told(Effect.TRACK_PARTIAL),
    Kind.FINAL: _told(Effect.TRACK_FINAL),
    Kind.FLUSHED: _told(Effect.TRACK_FLUSHED),
    Kind.CONFIGURED: _told(Effect.TRACK_CONFIGURED),
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
    Kind.STATS: _row(Rule((Effect.EMIT,)), {C: _NOT_OPEN}),
}

HEARD_BY_CLIENT: Final[Mapping[Kind, Mapping[State, Cell]]] = {
    **{kind: _gated(row) for kind, row in _SESSION_TALK.items()},
    Kind.RESUMED: _row(
        (
            Rule((Effect.TAKE_UP, Effect.EMIT), when=Guard.GATED),
            Violation("protocol_violation", "we have not asked to resume"),
        ),
        {C: Violation("protocol_violation", "we have not asked to resume")},
    ),
    # What refuses a resume is of another session than ours: whether it ends ours too is decided with its closed.
    Kind.FATAL: _row(
        (Rule((Effect.REMEMBER_ERROR,), when=Guard.GATED), Rule((Effect.REMEMBER_ERROR, Effect.EMIT))), {}
    ),
    Kind.PONG: _row(Ignore("hearing anything at all is the answer to a ping"), {}),
    Kind.CLOSED: _row(
        (
            Rule((Effect.RESTART,), C, Guard.GONE),
            Rule((Effect.RETRY,), when=Guard.COME_BACK_LATER),
            Rule((Effect.REFUSED,), X, Guard.GATED),
            Rule((Effect.CONCLUDE,), X),
        ),
        {C: (Rule((Effect.RETRY,), when=Guard.COME_BACK_LATER), Rule((Effect.CONCLUDE,), X))},
    ),
    **{kind: _row(_LATER, {}) for kind in (*RESERVED, Kind.UNKNOWN)},
    Kind.MALFORMED: _row(Violation("protocol_violation", "not a message of this protocol"), {}),
}


def _until_ended(effect: Effect, *, next_state: State | None) -> dict[State, Cell]:
    """What an application may say as long as its input is open."""
    return _row(
        _AFTER_END,
        {
            C: (Violation("invalid_state", "the input has ended", Guard.ENDED), Rule((effect,))),
            R: Rule((effect,), next_state),
            S: Rule((effect,)),
            X: Violation("invalid_state", "the session is closed"),
        },
    )


_LEAVE = Rule((Effect.ABANDON,), X, Guard.UNHEARD)

SAID_BY_CLIENT: Final[Mapping[Kind, Mapping[State, Cell]]] = {
    Kind.AUDIO: _until_ended(Effect.OFFER_AUDIO, next_state=S),
    Kind.GAP: _until_ended(Effect.OFFER_GAP, next_state=S),
    Kind.FLUSH: _until_ended(Effect.ASK_FLUSH, next_state=None),
    Kind.CONFIGURE: _until_ended(Effect.ASK_CHANGE, next_state=None),
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
    Kind.FLUSHED: _row(Rule((Effect.SAY_ANSWER,)), {C: _NOT_OPEN, R: _NO_AUDIO}),
    # Said about a position, not about audio: it may be the first thing that happens.
    Kind.CONFIGURED: _row(Rule((Effect.TRACK_CONFIGURED, Effect.SEND)), {C: _NOT_OPEN}),
    Kind.ERROR: _row(
        (
            Rule((Effect.TRACK_LOSS, Effect.GIVE_UP), X, Guard.LAST_STRAW),
            Rule((Effect.TRACK_LOSS, Effect.SEND)),
        ),
        {C: _NOT_OPEN},
    ),
    Kind.WARNING: _row(Rule((Effect.SEND,)), {C: _NOT_OPEN}),
}


def _retried(code: str, why: str) -> Cell:
    """A server that does not answer costs its transport, and the session only where it cannot be got back."""
    return Rule((Effect.RETRY,), when=Guard.RECONNECTABLE), Violation(code, why)


def _suspicious(code: str, why: str) -> Cell:
    """The same for one that has fallen silent, but only once: the second time without news in between is a verdict."""
    return Rule((Effect.SUSPECT, Effect.RETRY), when=Guard.WORTH_RETRYING), Violation(code, why)


_BY_SERVER_END = Rule((Effect.STOP_INPUT,), I)
_EMPTIED: Final = _row(Ignore("there is more to say"), {X: Rule((Effect.BEGIN_GOODBYE,))})
_OVERSLEPT: Final = _row(Rule((Effect.FORGIVE,)), {X: Rule((Effect.FORGIVE,))})
_SETTLE: Final = (Rule((Effect.SAY_UNSAID,), when=Guard.UNSAID), Rule((Effect.ANSWER_FLUSH,), when=Guard.MOOT_FLUSH))

LOCAL_TO_CLIENT: Final[Mapping[Kind, Mapping[State, Cell]]] = {
    Kind.OPENED: _row(
        (Violation("invalid_state", "the transport is open already", Guard.ATTACHED), Rule((Effect.RECLAIM,))),
        {
            C: (
                Violation("invalid_state", "the transport is open already", Guard.ATTACHED),
                Rule((Effect.GREET,)),
            ),
            X: Rule((Effect.HANG_UP,)),
        },
    ),
    Kind.LOST: _row(
        (Rule((Effect.INTERRUPT,), when=Guard.RECONNECTABLE), Rule((Effect.LOSE,), X)), {X: Rule((Effect.DETACH,))}
    ),
    Kind.ABORT: _row(Rule((Effect.ABANDON,), X), {}),
    Kind.PUMP: _row(Rule((Effect.PUMP,)), {D: Ignore("the server takes no more input"), X: _QUIET}),
    Kind.OPEN_EXPIRED: _row(_retried("connect_timeout", "the server did not answer"), {}),
    Kind.READY_EXPIRED: _row(_retried("ready_timeout", "the server never became ready"), {}),
    Kind.SILENCE_EXPIRED: _row(_QUIET, {state: _suspicious("silence", "the server fell silent") for state in (R, S)}),
    Kind.DRAIN_EXPIRED: _row(
        _QUIET,
        {state: _suspicious("drain_timeout", "the server fell silent before the last results") for state in (I, D)},
    ),
    Kind.RETURN_EXPIRED: _row(Rule((Effect.EXHAUST,), X), {}),
    Kind.RESTED: _row(Rule((Effect.REST,)), {C: _QUIET}),
    Kind.FLUSH_EXPIRED: _row(Rule((Effect.GIVE_UP_FLUSH,)), {C: _QUIET, D: _QUIET}),
    Kind.PING_DUE: _row(Rule((Effect.SAY_PING,)), {C: _QUIET}),
    Kind.CLOSE_EXPIRED: _row(_QUIET, {X: Rule((Effect.HANG_UP,))}),
    Kind.EMPTIED: _EMPTIED,
    Kind.OVERSLEPT: _OVERSLEPT,
}

LOCAL_TO_SERVER: Final[Mapping[Kind, Mapping[State, Cell]]] = {
    Kind.LOST: _row(
        (
            Rule((Effect.LOSE,), X, Guard.TAKEN_AWAY),
            Ignore("the session has let go of that transport already", Guard.DETACHED),
            Rule((Effect.AWAIT_RETURN,), when=Guard.RESUMABLE),
            Rule((Effect.LOSE,), X),
        ),
        {
            X: (
                Ignore("the session has let go of that transport already", Guard.DETACHED),
                Rule((Effect.HOLD,), when=Guard.UNCONFIRMED),
                Rule((Effect.DETACH,)),
            )
        },
    ),
    Kind.ATTACH: _row(
        Rule((Effect.WELCOME_BACK, Effect.TELL_RETURN)),
        {
            C: _NOT_OPEN,
            X: (
                Rule((Effect.WELCOME_BACK, Effect.CLOSE_AGAIN), when=Guard.HELD),
                Violation("session_gone", "the session is over"),
            ),
        },
    ),
    Kind.RETURN_EXPIRED: _row(Rule((Effect.EXPIRE,), X), {X: Rule((Effect.RELEASE,))}),
    Kind.NO_RETURN: _row(
        (Rule((Effect.SHUT,), when=Guard.ATTACHED), Rule((Effect.SHUT, Effect.EXPIRE), X)),
        {C: Ignore("there is nothing to come back to"), X: Rule((Effect.SHUT, Effect.RELEASE))},
    ),
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
        {
            state: (
                Rule((Effect.HANG_UP, Effect.AWAIT_RETURN), when=Guard.RESUMABLE),
                Violation("idle", "nothing has been heard for too long"),
            )
            for state in (R, S)
        },
    ),
    Kind.DRAIN_EXPIRED: _row(
        _QUIET,
        {state: Violation("drain_timeout", "the rest was not decided in time") for state in (I, D)},
    ),
    Kind.PROGRESS_DUE: _row(Rule((Effect.SAY_PROGRESS,)), {R: _QUIET}),
    Kind.ACK_DUE: _row(Rule((Effect.SAY_ACK,)), {C: _QUIET}),
    Kind.STATS_DUE: _row(Rule((Effect.SAY_STATS,)), {C: _QUIET}),
    Kind.EXPIRY_NEAR: _row(_QUIET, {state: Rule((Effect.WARN_OF_EXPIRY,)) for state in (R, S)}),
    Kind.LASTED: _row(_QUIET, {R: _BY_SERVER_END, S: _BY_SERVER_END}),
    Kind.AUDIO_IDLE: _row(_QUIET, {R: _BY_SERVER_END, S: _BY_SERVER_END}),
    Kind.CLOSE_EXPIRED: _row(
        _QUIET, {X: (Rule((Effect.HANG_UP, Effect.HOLD), when=Guard.RESUMABLE), Rule((Effect.HANG_UP,)))}
    ),
    Kind.EMPTIED: _EMPTIED,
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
