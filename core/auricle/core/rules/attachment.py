"""The table of the attachment, the second automaton beside the six states: what a session has of a transport.

`MOVES` holds, for each role, event and attachment, where the event leads (`Move`) or why it cannot happen there
(`Barred`). It is total. Nothing else moves an attachment: effects name an event (`Draft.attach`), and the guards of the
state table ask here whether it may happen, so a rule whose event is barred is never taken. `HEARD` says what a message
does that no session is in a position to hear, whatever its state. `TOGETHER` says which attachments each state has.

Source: notes/wire-protocols.md §3.7.
"""

from collections.abc import Mapping
from typing import Final

from auricle.core.outcomes import Barred, Ignore, Move, Violation
from auricle.core.states import WITH_TRANSPORT, Attachment, AttachmentEvent, Kind, Role, State

A = Attachment
E = AttachmentEvent

ATTACHMENTS: Final[Mapping[Role, tuple[Attachment, ...]]] = {
    Role.CLIENT: tuple(attachment for attachment in A if attachment is not A.HELD),
    Role.SERVER: (A.ATTACHED, A.RESUMABLE, A.HELD, A.DETACHED),
}
"""The attachments of each role."""
WITH_TOKEN: Final = frozenset({A.RESUMABLE, A.REOPENING, A.GATED, A.HELD})
"""Where the session can be resumed: its client has a token."""
MAY_SPEAK: Final = WITH_TRANSPORT - {A.GATED}
"""Where a client may say all that its state allows."""

Row = Mapping[Attachment, Move | Barred]

_NOT_ASKED: Final = Barred("the application has not connected")
_OVER: Final = Barred("no transport comes any more")
_ON_ITS_WAY: Final = Barred("the transport is not open yet")
_HAS_ONE: Final = Barred("a transport is attached already")
_NEVER_READY: Final = Barred("no server has been ready: there is nothing to recover")
_ENDS_WITH_IT: Final = Barred("the session ends with its transport")
_WAS_READY: Final = Barred("a server has been ready for this session")
_KNOWN_HERE: Final = Barred("only the answer to resume says so")
_NO_TRANSPORT: Final = Barred("no transport is attached")
_UNANSWERED: Final = Barred("the server answers resume first")
_LEAVES: Final = Move(A.ATTACHED, "who has left does not come back")
_ENDED: Final = Move(A.ATTACHED, "it stays for the closing handshake")
_NOTHING_TO_CLOSE: Final = Move(A.DETACHED, "there is nothing to close")
_GONE: Final = Move(A.DETACHED, "nothing is left of it")
_ONCE: Final = Barred("ready is said once")


def _row(role: Role, default: Move | Barred, cells: Row) -> Row:
    return dict.fromkeys(ATTACHMENTS[role], default) | dict(cells)


def _of_client(default: Move | Barred, cells: Row) -> Row:
    return _row(Role.CLIENT, default, cells)


def _of_server(default: Move | Barred, cells: Row) -> Row:
    return _row(Role.SERVER, default, cells)


def _ready(then: Move) -> Row:
    """Return the row of ``ready``: the first, and the one for the successor of a lost session."""
    return _of_client(
        _ONCE,
        {
            A.UNCONNECTED: _NOT_ASKED,
            A.OPENING: _ON_ITS_WAY,
            A.STARTING: then,
            A.RESTARTING: _ON_ITS_WAY,
            A.STARTING_AGAIN: then,
            A.GATED: _UNANSWERED,
            A.REOPENING: _ON_ITS_WAY,
            A.DETACHED: _OVER,
        },
    )


_CLIENT: Final[Mapping[AttachmentEvent, Row]] = {
    E.CONNECT: _of_client(
        Barred("the session has been connected already"),
        {A.UNCONNECTED: Move(A.OPENING, "the first thing that a session needs")},
    ),
    E.SAY_START: _of_client(
        _HAS_ONE,
        {
            A.UNCONNECTED: _NOT_ASKED,
            A.OPENING: Move(A.STARTING, "start is the first message of a session"),
            A.RESTARTING: Move(A.STARTING_AGAIN, "the new session goes on for the lost one"),
            A.REOPENING: Barred("the session is known to a server: resume is the first message"),
            A.DETACHED: _OVER,
        },
    ),
    E.SAY_RESUME: _of_client(
        _HAS_ONE,
        {
            A.UNCONNECTED: _NOT_ASKED,
            A.OPENING: Barred("no server has been ready: there is no token"),
            A.RESTARTING: Barred("the token was of the session that is lost"),
            A.REOPENING: Move(A.GATED, "nothing else may be said until the server has said where it is"),
            A.DETACHED: _OVER,
        },
    ),
    E.READY: _ready(Move(A.ATTACHED, "the server keeps no session whose transport is lost")),
    E.READY_RESUMABLE: _ready(Move(A.RESUMABLE, "the server has told a token")),
    E.RESUMED: _of_client(
        Barred("resume has not been said"),
        {A.GATED: Move(A.RESUMABLE, "the server has said where it is, and told the next token"), A.DETACHED: _OVER},
    ),
    E.OPEN_AGAIN: _of_client(
        _WAS_READY,
        {
            A.UNCONNECTED: _NOT_ASKED,
            A.OPENING: Move(A.OPENING, "nothing was said: the same start may be said elsewhere"),
            A.STARTING: Move(A.OPENING, "nothing was decided: the same start may be said elsewhere"),
            A.ATTACHED: _ENDS_WITH_IT,
            A.DETACHED: _OVER,
        },
    ),
    E.RECONNECT: _of_client(
        _NEVER_READY,
        {
            A.UNCONNECTED: _NOT_ASKED,
            A.ATTACHED: _ENDS_WITH_IT,
            A.RESUMABLE: Move(A.REOPENING, "the server holds the session for its client"),
            A.REOPENING: Move(A.REOPENING, "the next attempt may succeed"),
            A.GATED: Move(A.REOPENING, "resume may not have arrived, and its token is good until resumed has"),
            A.RESTARTING: Move(A.RESTARTING, "the next attempt may succeed"),
            A.STARTING_AGAIN: Move(
                A.RESTARTING, "nothing was decided in the new session: the same start is said again"
            ),
            A.DETACHED: _OVER,
        },
    ),
    E.RESTART: _of_client(
        _KNOWN_HERE,
        {A.GATED: Move(A.RESTARTING, "what is committed stays, a new session goes on from there"), A.DETACHED: _OVER},
    ),
    E.CANCEL: _of_client(
        _NO_TRANSPORT,
        {
            A.STARTING: _LEAVES,
            A.STARTING_AGAIN: _LEAVES,
            A.ATTACHED: _LEAVES,
            A.RESUMABLE: _LEAVES,
            A.GATED: Barred("the server may not have the session: the client ends by itself"),
        },
    ),
    E.END: _of_client(
        _NOTHING_TO_CLOSE,
        {attachment: _ENDED for attachment in ATTACHMENTS[Role.CLIENT] if attachment in WITH_TRANSPORT},
    ),
    E.DETACH: _of_client(_GONE, {}),
}

_SERVER: Final[Mapping[AttachmentEvent, Row]] = {
    E.READY: _of_server(_ONCE, {A.ATTACHED: Move(A.ATTACHED, "the client, or this server, does without resuming")}),
    E.READY_RESUMABLE: _of_server(_ONCE, {A.ATTACHED: Move(A.RESUMABLE, "the client has been told a token")}),
    E.HOLD: _of_server(
        _NO_TRANSPORT,
        {A.ATTACHED: _ENDS_WITH_IT, A.RESUMABLE: Move(A.HELD, "the client may come back within the window")},
    ),
    E.ATTACH: _of_server(
        Barred("no token was told, or it is void"),
        {
            A.RESUMABLE: Move(A.RESUMABLE, "the client knows better: the older transport is superseded"),
            A.HELD: Move(A.RESUMABLE, "the client is back"),
        },
    ),
    E.REVOKE: _of_server(
        Move(A.DETACHED, "there is nothing to come back to"),
        {
            A.ATTACHED: Move(A.ATTACHED, "it had none"),
            A.RESUMABLE: Move(A.ATTACHED, "from now on the session ends with its transport"),
        },
    ),
    E.END: _of_server(
        Move(A.DETACHED, "nobody is there to be told, and nobody comes"),
        {
            A.ATTACHED: _ENDED,
            A.RESUMABLE: Move(A.RESUMABLE, "the client may resume to learn how it ended, if closed does not arrive"),
            A.HELD: Move(A.HELD, "the client may resume to learn how it ended"),
        },
    ),
    E.DETACH: _of_server(_GONE, {}),
}

MOVES: Final[Mapping[Role, Mapping[AttachmentEvent, Row]]] = {Role.CLIENT: _CLIENT, Role.SERVER: _SERVER}
"""Every change of an attachment, and why no other is possible."""

_NOT_RESUMED: Final = Violation("protocol_violation", "the answer to resume is resumed")
_UNREAD: Final = Ignore("no transport is attached: this came over one that is gone")
_OF_A_SESSION: Final = (
    Kind.LOADING, Kind.READY, Kind.ACK, Kind.SPEECH_START, Kind.SPEECH_END, Kind.PARTIAL, Kind.FINAL, Kind.FLUSHED,
    Kind.CONFIGURED, Kind.INPUT_ENDED, Kind.WARNING, Kind.ERROR, Kind.STATS,
)  # fmt: skip

HEARD: Final[Mapping[Attachment, Mapping[Kind, Ignore | Violation]]] = {
    attachment: {} if attachment in WITH_TRANSPORT else dict.fromkeys(Kind, _UNREAD) for attachment in A
} | {
    A.GATED: {
        **dict.fromkeys(_OF_A_SESSION, _NOT_RESUMED),
        Kind.PONG: Ignore("the session has not been resumed yet"),
    }
}
"""What becomes of a message that cannot be heard with an attachment, by its kind; of any other the state decides."""

_AFTER_READY: Final = frozenset({A.ATTACHED, A.RESUMABLE, A.REOPENING, A.GATED})
TOGETHER: Final[Mapping[Role, Mapping[State, frozenset[Attachment]]]] = {
    Role.CLIENT: {
        State.CONNECTING: frozenset({A.UNCONNECTED, A.OPENING, A.STARTING, A.RESTARTING, A.STARTING_AGAIN}),
        **dict.fromkeys((State.READY, State.STREAMING, State.INPUT_ENDED, State.DRAINING), _AFTER_READY),
        State.CLOSED: frozenset({A.ATTACHED, A.DETACHED}),
    },
    Role.SERVER: {
        State.CONNECTING: frozenset({A.ATTACHED}),
        **{
            state: frozenset({A.ATTACHED, A.RESUMABLE, A.HELD})
            for state in (State.READY, State.STREAMING, State.INPUT_ENDED, State.DRAINING)
        },
        State.CLOSED: frozenset({A.ATTACHED, A.RESUMABLE, A.HELD, A.DETACHED}),
    },
}
"""The attachments that a session in each state may have."""


def may(role: Role, attachment: Attachment, event: AttachmentEvent) -> bool:
    """Whether an event can happen to an attachment."""
    return isinstance(MOVES[role][event][attachment], Move)


def moved(role: Role, attachment: Attachment, event: AttachmentEvent) -> Attachment:
    """Return the attachment after an event. Raises `AssertionError` where it is barred: no rule leads there."""
    outcome = MOVES[role][event][attachment]
    assert isinstance(outcome, Move), f"a {role.value} that is {attachment.value}: {event.value}? {outcome.why}"
    return outcome.next
