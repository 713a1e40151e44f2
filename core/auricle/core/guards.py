"""The functions behind the guards of the rule table."""

from collections.abc import Callable, Mapping
from typing import Final

from auricle.core.errors import ABNORMAL_CLOSURE, ERROR_CODES, RETRIABLE_CLOSE_CODES
from auricle.core.guarantees import is_decided
from auricle.core.messages import (
    Annotate,
    Closed,
    Configure,
    ErrorMessage,
    Flush,
    InputEnded,
    Malformed,
    Partial,
    SpeechEnd,
    SpeechStart,
    TurnEnd,
    TurnMaybeEnd,
    TurnResumed,
)
from auricle.core.outcomes import Guard
from auricle.core.rules.attachment import WITH_TOKEN, may
from auricle.core.snapshot import Snapshot
from auricle.core.states import Attachment, AttachmentEvent
from auricle.core.stimuli import Hear, Lose, Say, Stimulus

LOST_SESSION: Final = frozenset({"session_gone", "bad_token"})
"""Error codes after which the session cannot be resumed, but a new one can be started."""
RECLAIMABLE: Final = RETRIABLE_CLOSE_CODES | {ERROR_CODES["idle"].close_code}
"""Close codes after which a session may be resumed."""
ELSEWHERE: Final = frozenset({"capacity", "shutdown"})
"""Error codes before ``ready`` that are about one server at one moment: another one, or the next moment, may do."""
UNANSWERED: Final = frozenset({Attachment.GATED, Attachment.STARTING_AGAIN})
"""Where a session that was ready before waits for a server to take it up."""
PASSING: Final = frozenset({1001, ABNORMAL_CLOSURE, *(ERROR_CODES[code].close_code for code in ELSEWHERE)})
"""Close codes that mean the same."""


def _ended_by_server(_: Snapshot, stimulus: Stimulus) -> bool:
    match stimulus:
        case Hear(message=InputEnded(by="server")):
            return True
        case _:
            return False


def _known_flush(s: Snapshot, stimulus: Stimulus) -> bool:
    match stimulus:
        case Hear(message=Flush(id=id)):
            return id in s.answered or any(flush.id == id for flush in s.flushes)
        case _:
            return False


def _repeated(s: Snapshot, stimulus: Stimulus) -> bool:
    """Whether an id is used twice. Only a client that has come back says again what was heard, and may not know."""
    known = _known_flush(s, stimulus) or _known_change(s, stimulus)
    return known and not s.recovery.resumed


def _known_change(s: Snapshot, stimulus: Stimulus) -> bool:
    match stimulus:
        case Hear(message=Configure(id=id)) | Hear(message=Malformed(ref=str(id))):
            return id in s.answered_changes or any(change.id == id for change in s.changes)
        case _:
            return False


def _malformed_change(_: Snapshot, stimulus: Stimulus) -> bool:
    match stimulus:
        case Hear(message=Malformed(ref=str())):
            return True
        case _:
            return False


def _allows(event: AttachmentEvent) -> Callable[[Snapshot, Stimulus], bool]:
    """Return the guard that holds where the attachment's table has a move for an event."""
    return lambda s, _: may(s.role, s.attachment, event)


def _reconnectable(s: Snapshot, stimulus: Stimulus) -> bool:
    """Whether the attachment allows another attempt, and so do the loss and the number of attempts."""
    if not may(s.role, s.attachment, AttachmentEvent.RECONNECT) or s.recovery.attempt >= s.limits.max_reconnects:
        return False
    match stimulus:
        case Lose(how="eof", code=code):
            return code in RECLAIMABLE
        case Lose(how="cancelled"):
            return False
        case _:
            return True


def _session_gone(s: Snapshot, _: Stimulus) -> bool:
    """Not where the server had ended the input: the input of such a session cannot be sent to a new one."""
    gone = s.error is not None and s.error[0] in LOST_SESSION
    return gone and s.end_code is None and may(s.role, s.attachment, AttachmentEvent.RESTART)


def _told_error(s: Snapshot, stimulus: Stimulus) -> str | None:
    """Return the code of a fatal error: the one that is heard now, or the one before its ``closed``."""
    match stimulus:
        case Hear(message=ErrorMessage(code=code)):
            return code
        case _:
            return s.error[0] if s.error else None


def _retry_later(s: Snapshot, stimulus: Stimulus) -> bool:
    code = _told_error(s, stimulus)
    row = ERROR_CODES.get(code) if code else None
    known_as_gone = s.attachment is Attachment.GATED and code in LOST_SESSION
    return (
        s.attachment in UNANSWERED
        and row is not None
        and row.retriable
        and not known_as_gone
        and _reconnectable(s, stimulus)
    )


def _opening_again(s: Snapshot, stimulus: Stimulus) -> bool:
    """Whether a session that was never ready may be begun on another connection: not here, or not now.

    What another server would say as well is final: a configuration, a key, a model that does not load. So is a
    connection that nobody takes.
    """
    allowed = may(s.role, s.attachment, AttachmentEvent.OPEN_AGAIN)
    if not allowed or s.legacy or s.recovery.attempt >= s.limits.max_reconnects:
        return False
    match stimulus:
        case Hear(message=ErrorMessage(code=code, retry_after_ms=wait_ms)):
            return code in ELSEWHERE and _is_time_left(s, (wait_ms or 0) / 1000)
        case Hear(message=Closed()):
            return s.error is not None and s.error[0] in ELSEWHERE and _is_time_left(s, s.retry_after_s or 0.0)
        case Lose() if s.error is not None and s.error[0] not in ELSEWHERE:
            return False
        case Lose(how="refused", code=code):
            return code in PASSING - {ABNORMAL_CLOSURE} and _is_time_left(s, s.retry_after_s or 0.0)
        case Lose(how="eof" | "reset" | "stalled", code=code):
            return code in PASSING and _is_time_left(s, s.retry_after_s or 0.0)
        case _:
            return False


def _is_time_left(s: Snapshot, wait_s: float) -> bool:
    """Whether, from when we last heard or opened something, ``wait_s`` end within ``connect_timeout_s``."""
    earliest = max(s.opened_at, s.heard_at, s.recovery.reopen_at)
    return earliest + wait_s < s.recovery.asked_at + s.limits.connect_timeout_s


def _closed_unconfirmed(s: Snapshot, stimulus: Stimulus) -> bool:
    """A client answers ``closed`` with its Close frame; after any other end of the transport it may not have it."""
    match stimulus:
        case Lose(how="eof", code=code) if code != ABNORMAL_CLOSURE:
            return False
        case _:
            return _resumable(s, stimulus)


def _driver_cancelled(_: Snapshot, stimulus: Stimulus) -> bool:
    return isinstance(stimulus, Lose) and stimulus.how == "cancelled"


def _resumable(s: Snapshot, stimulus: Stimulus) -> bool:
    """Whether the client may still resume. With a Close frame it says so: after these codes it never does."""
    match stimulus:
        case Lose(how="cancelled"):
            return False
        case Lose(how="eof", code=code) if code not in RECLAIMABLE:
            return False
        case _:
            return may(s.role, s.attachment, AttachmentEvent.HOLD)


def _not_requested(s: Snapshot, stimulus: Stimulus) -> bool:
    match stimulus:
        case Say(message=Partial()):
            return not s.config.features.partials
        case Say(message=SpeechStart() | SpeechEnd()):
            return not s.config.features.speech_events
        case (Say() | Hear()) as turn if isinstance(turn.message, TurnMaybeEnd | TurnResumed | TurnEnd):
            return not s.tells_turns
        case (Say() | Hear()) as annotation if isinstance(annotation.message, Annotate):
            return not s.names_speakers
        case _:
            return False


def _unchanged(s: Snapshot, stimulus: Stimulus) -> bool:
    match stimulus:
        case Say(message=Partial(text=text, pause=None)):
            return text == s.partial
        case Say(message=TurnMaybeEnd(text=text)):
            return s.turn.maybe is not None and text == s.turn.maybe.text
        case _:
            return False


def _failure_limit(s: Snapshot, stimulus: Stimulus) -> bool:
    match stimulus:
        case Say(message=ErrorMessage(audio=audio)):
            return audio is not None and s.failures + 1 >= s.limits.max_engine_failures
        case _:
            return False


GUARDS: Final[Mapping[Guard, Callable[[Snapshot, Stimulus], bool]]] = {
    Guard.STARTED: lambda s, _: s.started,
    Guard.ENDED: lambda s, _: s.ended,
    Guard.AUDIO_SENT: lambda s, _: s.offered > s.origin,
    Guard.CANCELLED: lambda s, _: s.cancelled,
    Guard.CANCEL_UNDELIVERABLE: lambda s, _: s.legacy or not may(s.role, s.attachment, AttachmentEvent.CANCEL),
    Guard.UNCONNECTED: _allows(AttachmentEvent.CONNECT),
    Guard.START_DUE: _allows(AttachmentEvent.SAY_START),
    Guard.RESUME_DUE: _allows(AttachmentEvent.SAY_RESUME),
    Guard.ATTACHED: lambda s, _: s.attached,
    Guard.DETACHED: lambda s, _: not s.attached,
    Guard.RESUMING: _allows(AttachmentEvent.RESUMED),
    Guard.RECONNECTABLE: _reconnectable,
    Guard.SESSION_GONE: _session_gone,
    Guard.RETRY_LATER: _retry_later,
    Guard.OPENING_AGAIN: _opening_again,
    Guard.REFUSED_BEFORE: lambda s, _: bool(s.recovery.refusal),
    Guard.DRIVER_CANCELLED: _driver_cancelled,
    Guard.RESUMABLE: _resumable,
    Guard.CAN_GO_ON: lambda s, _: s.attachment in WITH_TOKEN,
    Guard.CLOSED_UNCONFIRMED: _closed_unconfirmed,
    Guard.RETAINED: _allows(AttachmentEvent.ATTACH),
    Guard.MALFORMED_CHANGE: _malformed_change,
    Guard.KNOWN_CHANGE: _known_change,
    Guard.ENDED_BY_SERVER: _ended_by_server,
    Guard.REPEATED: _repeated,
    Guard.KNOWN_FLUSH: _known_flush,
    Guard.NOT_REQUESTED: _not_requested,
    Guard.UNCHANGED: _unchanged,
    Guard.TURN_EMPTY: lambda s, _: s.segment == s.turn.first,
    Guard.NOT_ENDING: lambda s, _: s.turn.maybe is None,
    Guard.FAILURE_LIMIT: _failure_limit,
    Guard.WARNING_DEFERRED: lambda s, _: bool(s.deferred_warnings),
    Guard.FLUSH_DECIDED: lambda s, _: bool(s.flushes) and is_decided(s, s.flushes[0]),
    Guard.INPUT_ANSWERED: lambda s, _: not s.changes and not any(flush.awaited for flush in s.flushes),
}
