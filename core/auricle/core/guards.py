"""What each guard of the rule table means."""

from collections.abc import Callable, Mapping
from typing import Final

from auricle.core.errors import ABNORMAL_CLOSURE, ERROR_CODES, RETRIABLE_CLOSE_CODES
from auricle.core.guarantees import is_decided
from auricle.core.messages import (
    Configure,
    ErrorMessage,
    Flush,
    InputEnded,
    Malformed,
    Partial,
    SpeechEnd,
    SpeechStart,
)
from auricle.core.outcomes import Guard
from auricle.core.server_recovery import is_retained
from auricle.core.snapshot import Snapshot
from auricle.core.states import State
from auricle.core.stimuli import Hear, Lose, Say, Stimulus

LOST_SESSION: Final = frozenset({"session_gone", "bad_token"})
"""Errors that say: this session cannot be had back, a new one can."""
RECLAIMABLE: Final = RETRIABLE_CLOSE_CODES | {ERROR_CODES["idle"].close_code}
"""Close codes after which a session may be taken up again."""


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


def _known_change(s: Snapshot, stimulus: Stimulus) -> bool:
    match stimulus:
        case Hear(message=Configure(id=id)) | Hear(message=Malformed(ref=str(id))):
            return id in s.answered_changes or any(change.id == id for change in s.changes)
        case _:
            return False


def _only_a_change(_: Snapshot, stimulus: Stimulus) -> bool:
    match stimulus:
        case Hear(message=Malformed(ref=str())):
            return True
        case _:
            return False


def _reconnectable(s: Snapshot, stimulus: Stimulus) -> bool:
    """There is a session to get back (or the beginning of one that goes on for it), and hope that it works."""
    r = s.recovery
    if s.cancelled or not (r.token is not None or r.restarts) or r.attempt >= s.limits.max_reconnects:
        return False
    match stimulus:
        case Lose(how="eof", code=code):
            return code in RECLAIMABLE
        case Lose(how="cancelled"):
            return False
        case _:
            return True


def _worth_retrying(s: Snapshot, stimulus: Stimulus) -> bool:
    return _reconnectable(s, stimulus) and s.recovery.silence_seq != s.seq


def _gone(s: Snapshot, _: Stimulus) -> bool:
    """Its input must still be ours to say: one that the server had ended is not begun anew."""
    return s.recovery.resuming and s.error is not None and s.error[0] in LOST_SESSION and s.end_code is None


def _come_back_later(s: Snapshot, stimulus: Stimulus) -> bool:
    waiting = s.recovery.resuming or (s.recovery.restarts > 0 and s.state is State.CONNECTING)
    row = ERROR_CODES.get(s.error[0]) if s.error else None
    known_as_gone = s.recovery.resuming and s.error is not None and s.error[0] in LOST_SESSION
    return waiting and row is not None and row.retriable and not known_as_gone and _reconnectable(s, stimulus)


def _unconfirmed(s: Snapshot, stimulus: Stimulus) -> bool:
    """A client answers ``closed`` with its Close frame; any other end of the transport may have swallowed it."""
    match stimulus:
        case Lose(how="eof", code=code) if code != ABNORMAL_CLOSURE:
            return False
        case _:
            return _resumable(s, stimulus)


def _taken_away(_: Snapshot, stimulus: Stimulus) -> bool:
    return isinstance(stimulus, Lose) and stimulus.how == "cancelled"


def _resumable(s: Snapshot, stimulus: Stimulus) -> bool:
    return s.recovery.token is not None and not _taken_away(s, stimulus)


def _unwanted(s: Snapshot, stimulus: Stimulus) -> bool:
    match stimulus:
        case Say(message=Partial()):
            return not s.config.features.partials
        case Say(message=SpeechStart() | SpeechEnd()):
            return not s.config.features.speech_events
        case _:
            return False


def _unchanged(s: Snapshot, stimulus: Stimulus) -> bool:
    match stimulus:
        case Say(message=Partial(text=text)):
            return text == s.partial
        case _:
            return False


def _last_straw(s: Snapshot, stimulus: Stimulus) -> bool:
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
    Guard.CANCEL_UNDELIVERABLE: lambda s, _: not s.started or s.legacy or not s.attached or s.recovery.resuming,
    Guard.ATTACHED: lambda s, _: s.attached,
    Guard.DETACHED: lambda s, _: not s.attached,
    Guard.RESUMING: lambda s, _: s.recovery.resuming,
    Guard.RECONNECTABLE: _reconnectable,
    Guard.WORTH_RETRYING: _worth_retrying,
    Guard.SESSION_GONE: _gone,
    Guard.RETRY_LATER: _come_back_later,
    Guard.DRIVER_CANCELLED: _taken_away,
    Guard.RESUMABLE: _resumable,
    Guard.CLOSED_UNCONFIRMED: _unconfirmed,
    Guard.RETAINED: lambda s, _: is_retained(s),
    Guard.MALFORMED_CHANGE: _only_a_change,
    Guard.KNOWN_CHANGE: _known_change,
    Guard.ENDED_BY_SERVER: _ended_by_server,
    Guard.KNOWN_FLUSH: _known_flush,
    Guard.NOT_REQUESTED: _unwanted,
    Guard.UNCHANGED: _unchanged,
    Guard.FAILURE_LIMIT: _last_straw,
    Guard.WARNING_DEFERRED: lambda s, _: bool(s.deferred_warnings),
    Guard.FLUSH_DECIDED: lambda s, _: bool(s.flushes) and is_decided(s, s.flushes[0]),
    Guard.INPUT_ANSWERED: lambda s, _: not s.changes and not any(flush.awaited for flush in s.flushes),
}
