"""The outcomes that explorations leave out on purpose, although correct sessions may reach them, and why.

They are outside the bounds that keep the searches finite, or need a combination of features that no configuration has.
Each is reached by tests of another kind; `tests/core/test_rules.py` holds that every one of them has an outcome at all.
"""

from typing import Final

from auricle.core.outcomes import Effect, Guard, Outcome, Rule
from auricle.core.states import Attachment, AttachmentEvent, Kind, Role, Side, State

_LATE_VERBS: Final = frozenset({Kind.PROGRESS, Kind.END_BY_SERVER, Kind.FINISH, Kind.FAIL, Kind.OPENED})
_REPEATED: Final = frozenset({Kind.FLUSH, Kind.CONFIGURE, Kind.END_INPUT, Kind.PING, Kind.AUDIO, Kind.GAP})


def outside(role: Role, side: Side, kind: Kind, state: State, outcome: Outcome) -> str | None:
    """Return why the explorations do not come to an outcome; None where they should."""
    if kind in (Kind.EMPTIED, Kind.QUEUE_PREDICTED, Kind.QUEUE_MOVED):
        return "it only tells from when a timer runs, and timers run out at any moment here"
    if state is State.CLOSED:
        return _after_the_end(side, kind)
    if kind is Kind.WARNING or _is_unsaid(outcome):
        return "warnings are about rude or slow peers: tests of those do"
    if kind is Kind.LOADING or (kind is Kind.RESUME_EXPIRED and state is State.CONNECTING):
        return "before ready a model loads, and there is nothing to come back to: tests of timers and endings do"
    if outcome.when in (Guard.DRIVER_CANCELLED, Guard.DETACHED):
        return "a driver that is cancelled, or reports a loss twice: tests of drivers do"
    if role is Role.CLIENT:
        return _client(kind, state, outcome)
    return _server(side, kind, state)


def _after_the_end(side: Side, kind: Kind) -> str | None:
    if side is Side.HEAR:
        return "a side that has left hears what was on its way: not every kind of message is, in these bounds"
    if kind in _LATE_VERBS or kind is Kind.LOST:
        return "a verb that comes too late does nothing: tests of endings do"
    if kind.name.endswith(("_EXPIRED", "_DUE")) or kind is Kind.BACKOFF_RESET_DUE:
        return "no timer but the close timer is armed once a session is closed"
    return None


def _is_unsaid(outcome: Outcome) -> bool:
    return isinstance(outcome, Rule) and Effect.SEND_DEFERRED_WARNING in outcome.effects


def _client(kind: Kind, state: State, outcome: Outcome) -> str | None:
    if outcome.when is Guard.NOT_REQUESTED:
        return "a server says nothing about turns and speakers that was not asked for: tests of rude peers do"
    if kind in (Kind.OPEN_EXPIRED, Kind.READY_EXPIRED):
        return "the session ends only after max_reconnects connections: tests of resuming do"
    if outcome.when in (Guard.RETRY_LATER, Guard.RESUMING):
        return "a server without room for a client that comes back: no configuration has one, tests of resuming do"
    if kind in (Kind.ERROR, Kind.FATAL, Kind.PONG) and state in (State.CONNECTING, State.READY):
        return "an error or a pong before ready: tests of endings and timers do"
    if state in (State.READY, State.DRAINING):
        return "there is nothing to say about audio where there is none, or all is said"
    return None


def _server(side: Side, kind: Kind, state: State) -> str | None:
    if side is Side.HEAR and kind in _REPEATED:
        return "said again, or after the end: only a client that came back does, and then never in this state here"
    if state is State.INPUT_ENDED or state is State.DRAINING:
        return (
            "between the end of input and its answer lies a flush or a change: not with everything else in these bounds"
        )
    if state in (State.READY, State.CONNECTING):
        return "nothing can be said about audio before there is any"
    if kind is Kind.CANCEL:
        return "a cancel while the end is not answered: not in these bounds"
    return None


def unmoved(role: Role, attachment: Attachment, event: AttachmentEvent) -> str | None:
    """Return why the explorations do not make a move of the attachment; None where they should."""
    if attachment is Attachment.UNCONNECTED:
        return "the application here connects first: tests of drivers leave before that"
    if attachment is Attachment.DETACHED:
        return "nothing happens to a session that is over: tests of endings do it"
    if event is AttachmentEvent.DETACH and role is Role.CLIENT:
        return "a loss ends a session only after max_reconnects, or for a driver that is cancelled: tests of both do"
    if event is AttachmentEvent.OPEN_AGAIN and attachment is Attachment.OPENING:
        return "a handshake that is answered with a status for now: tests of opening do"
    return None
