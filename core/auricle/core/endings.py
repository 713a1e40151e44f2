"""Every way in which a session ends, each with exactly one terminal event."""

from collections.abc import Mapping
from typing import Final

from auricle.core.draft import Draft
from auricle.core.error_messages import error_of
from auricle.core.errors import ABNORMAL_CLOSURE, ERROR_CODES, NORMAL_CLOSURE, RETRIABLE_CLOSE_CODES
from auricle.core.events import Ending, SessionClosed
from auricle.core.messages import Cancel, Closed
from auricle.core.outputs import AbortTransport
from auricle.core.parts import ClosedStats, CloseReason
from auricle.core.snapshot import Snapshot
from auricle.core.states import Attachment, AttachmentEvent, Role
from auricle.core.stimuli import Lose, Stimulus

TIMEOUTS: Final = frozenset({"connect_timeout", "ready_timeout", "silence", "drain_timeout"})
"""Error codes of a client's timeouts against its server."""
REASONS: Final[Mapping[str, CloseReason]] = {"idle": "idle", "shutdown": "shutdown"}
"""Error codes that are reasons of their own in ``closed``; every other is ``error``."""


def _end(draft: Draft, closed: SessionClosed) -> None:
    draft.attach(AttachmentEvent.END)
    draft.update(closed=closed, closed_at=draft.now)
    draft.emit(closed)


# ---------------------------------------------------------------------------- server


def stats(s: Snapshot, now: float) -> ClosedStats:
    """Return the accounting that goes into ``closed``."""
    return ClosedStats(
        received=s.received,
        processed=s.processed,
        committed=s.committed,
        non_speech=s.non_speech,
        gap=s.gap,
        late=s.late,
        dropped=s.dropped,
        audio_s=round(s.seconds(s.received - s.origin), 3),
        wall_s=round(max(0.0, now - s.opened_at), 3),
        segments=s.segment,
        words=s.words,
    )


def say_closed(draft: Draft, reason: CloseReason, code: int, *, error: str | None, message: str) -> None:
    """Send ``closed``, the last message of a session and its only one (O2), then the Close frame with ``code``."""
    s = draft.s
    complete = reason == "completed" and s.dropped == 0 and s.committed == s.processed == s.received
    closed = Closed(seq=s.seq + 1, reason=reason, code=code, complete=complete, stats=stats(s, draft.now))
    draft.send(closed)
    draft.close_transport(code, error or reason)
    if s.attachment is Attachment.HELD:
        # No transport carries it: the client may still resume to learn it, for a window from now.
        draft.recover(lost_at=draft.now)
    _end(
        draft,
        SessionClosed(
            reason=reason,
            code=code,
            message=message,
            complete=complete,
            retriable=error is not None and ERROR_CODES[error].retriable,
            error=error,
            accounting=draft.accounting(),
        ),
    )


def say_fatal(
    draft: Draft, code: str, why: str, *, param: str | None = None, retry_after_s: float | None = None
) -> None:
    """Send a fatal ``error`` and then ``closed`` with ``complete`` false (O10). ``code`` is a key of `ERROR_CODES`."""
    draft.send(error_of(draft.s, code, why, fatal=True, param=param, retry_after_s=retry_after_s))
    say_closed(
        draft,
        REASONS.get(code, "error"),
        ERROR_CODES[code].close_code,
        error=code,
        message=f"The session failed: {why}.",
    )


def hand_on(draft: Draft, _: Stimulus) -> None:
    """Server: leave a session whose client can go on elsewhere: a Close frame with 1012, and no ``closed``.

    For the client that is a lost connection. It comes back to another server, or to the next one here, and goes on
    from the last committed sample: an utterance that is open is heard there as a whole.
    """
    row = ERROR_CODES["shutdown"]
    draft.close_transport(row.close_code, "shutdown")
    why = "The server is shutting down; the client goes on elsewhere."
    _end(draft, _local(draft, "shutdown", row.close_code, why, error="shutdown", retriable=True))


def refuse_for_shutdown(draft: Draft, _: Stimulus) -> None:
    """Server: refuse a session that is not ready yet, because the server is shutting down."""
    say_fatal(draft, "shutdown", "the server is shutting down")


# ---------------------------------------------------------------------------- client


def conclude(draft: Draft, closed: Closed) -> None:
    """End with the server's ``closed``. ``complete`` only where every count of its accounting agrees with ours."""
    s = draft.s
    mismatch = _mismatch(s, closed)
    complete: bool | None = closed.complete and closed.reason == "completed" and mismatch is None
    if s.legacy and closed.reason == "completed":
        complete = None
    error, why = s.error or (None, None)
    draft.update(
        received=max(s.received, closed.stats.received),
        processed=max(s.processed, closed.stats.processed),
        committed=max(s.committed, closed.stats.committed),
        non_speech=closed.stats.non_speech,
        dropped=max(s.dropped, closed.stats.dropped),
        late=closed.stats.late,
    )
    draft.close_transport(NORMAL_CLOSURE, closed.reason)
    _end(
        draft,
        SessionClosed(
            reason=closed.reason,
            code=closed.code,
            message=_closing_sentence(closed, complete, why or mismatch),
            complete=complete,
            retriable=_is_retriable(error, closed.code),
            retry_after_s=s.retry_after_s,
            error=error,
            accounting=draft.accounting(),
        ),
    )


def _mismatch(s: Snapshot, closed: Closed) -> str | None:
    """Return what the accounting lacks for completeness, None when it lacks nothing."""
    stats = closed.stats
    if not s.ended:
        return "the input was still open"
    if s.sent < s.offered:
        return f"{s.offered - s.sent} samples were never sent"
    if stats.received != s.sent:
        return f"the server received {stats.received} of {s.sent} samples"
    if stats.committed != stats.received or stats.processed != stats.received:
        return f"only {stats.committed} of {stats.received} samples are committed"
    if s.past.dropped:
        return f"{s.past.dropped} samples were lost with the server that had them"
    if stats.dropped or s.dropped:
        return f"{max(stats.dropped, s.dropped)} samples were lost to engine failures"
    if stats.gap != s.gap:
        return f"the server counts {stats.gap} samples without audio, not {s.gap}"
    if stats.segments != s.segment:
        return f"{s.segment} of {stats.segments} finals arrived"
    if s.flushes:
        return f"flush {s.flushes[0].id!r} was not answered"
    if s.tells_turns and s.segment > s.turn.first:
        return f"turn {s.turn.number} was not ended"
    if s.changes:
        return f"change {s.changes[0].id!r} was not answered"
    # What no final covers must be what the server calls non-speech: beyond our last commit, and before it.
    if stats.non_speech != s.non_speech + stats.committed - s.committed:
        return "finals and non-speech do not add up to the audio"
    return None


def _closing_sentence(closed: Closed, complete: bool | None, why: str | None) -> str:  # noqa: FBT001 - three-valued, not a flag
    if complete:
        return "Every sample is accounted for."
    if complete is None:
        return "The server closed normally, but it speaks the legacy dialect and gave no accounting."
    if closed.reason == "error":
        return f"The session failed: {(why or 'the server gave no reason').rstrip('.')}."
    if closed.reason == "completed":
        return f"The transcript is incomplete: {why or 'the server says so'}."
    return f"The server ended the session before it was complete: {closed.reason}."


def abort(draft: Draft, _: Stimulus) -> None:
    """End for our own application: send ``cancel`` where a transport is attached, and close it."""
    if draft.s.started and draft.s.attached:
        draft.send(Cancel(reason="the application left"))
    draft.close_transport(NORMAL_CLOSURE, "cancelled")
    if not draft.s.attached:
        draft.outputs.append(AbortTransport())
    _end(draft, _local(draft, "aborted", NORMAL_CLOSURE, "The session was left before it was complete."))


def end_lost(draft: Draft, lost: Lose) -> None:
    """End without ``closed`` after the transport was lost: never a success (failure mode F22)."""
    draft.attach(AttachmentEvent.DETACH)
    error, why = draft.s.error or (None, None)
    sentence = loss_sentence(lost, why)
    _end(
        draft,
        _local(draft, "lost", lost.code, sentence, error=error, retriable=_is_retriable(error, lost.code)),
    )


def loss_sentence(lost: Lose, why: str | None = None) -> str:
    """Return one sentence for people about how a transport was lost."""
    return f"{loss_clause(lost, why)}."


def loss_clause(lost: Lose, why: str | None = None) -> str:
    """Return the same without its full stop."""
    message = {
        "eof": f"The connection was closed (code {lost.code}) before the session was complete",
        "reset": "The connection broke",
        "refused": "The connection could not be made",
        "stalled": "The connection stopped taking data",
        "cancelled": "The connection was taken away",
    }[lost.how]
    detail = why or lost.reason
    return f"{message}{': ' if detail else ''}{detail}".rstrip(".")


def end_refused(draft: Draft, _: Stimulus) -> None:
    """Client: end, because the server refused to resume and no new session can continue this one."""
    error, why = draft.s.error or (None, None)
    draft.close_transport(NORMAL_CLOSURE, "refused")
    sentence = f"The session could not be taken up again: {why or 'the server refused it'}."
    _end(draft, _local(draft, "lost", ABNORMAL_CLOSURE, sentence, error=error, retriable=True))


def end_unreachable(draft: Draft, _: Stimulus) -> None:
    """Client: end, because no transport led to the session within ``reconnect_timeout_s``."""
    draft.outputs.append(AbortTransport())
    sentence = f"The connection was lost and could not be made again for {draft.s.limits.reconnect_timeout_s:g} s."
    _end(draft, _local(draft, "lost", ABNORMAL_CLOSURE, sentence, retriable=True))


def end_unopened(draft: Draft, _: Stimulus) -> None:
    """Client: end, because no server was ready within ``connect_timeout_s``, however often it was tried."""
    s = draft.s
    draft.outputs.append(AbortTransport())
    why = f"No server took the session within {s.limits.connect_timeout_s:g} s. The last answer: {s.recovery.refusal}."
    code = s.error[0] if s.error else "connect_timeout"
    ending: Ending = REASONS.get(code, "error") if s.error else "timeout"
    _end(draft, _local(draft, ending, ERROR_CODES[code].close_code, why, error=code, retriable=True))


def end_expired(draft: Draft, _: Stimulus) -> None:
    """Server: end, because the client did not resume within the window."""
    draft.attach(AttachmentEvent.DETACH)
    _end(draft, _local(draft, "lost", ABNORMAL_CLOSURE, "The client did not come back."))


def _is_retriable(error: str | None, code: int) -> bool:
    """Whether a new session may succeed: by the error code where there was one, else by the close code."""
    row = ERROR_CODES.get(error) if error else None
    return row.retriable if row else code in RETRIABLE_CLOSE_CODES


def report_violation(draft: Draft, code: str, why: str) -> None:
    """Client: end, because the server broke the protocol or a timeout against it expired."""
    row = ERROR_CODES[code]
    if code in TIMEOUTS:
        # The peer does not answer: a closing handshake would only wait for it.
        draft.outputs.append(AbortTransport())
        draft.update(closed_at=draft.now)
        ending: Ending = "timeout"
    else:
        draft.close_transport(row.close_code, code)
        ending = "violation"
    _end(
        draft, _local(draft, ending, row.close_code, f"The session failed: {why}.", error=code, retriable=row.retriable)
    )


def _local(
    draft: Draft, reason: Ending, code: int, message: str, *, error: str | None = None, retriable: bool = False
) -> SessionClosed:
    return SessionClosed(
        reason=reason,
        code=code,
        message=message,
        complete=False,
        retriable=retriable,
        error=error,
        accounting=draft.accounting(),
    )


def end_for_violation(snapshot: Snapshot, now: float, code: str, why: str, *, param: str | None = None) -> Draft:
    """Return the draft that ends a session for the peer's violation, made from the snapshot before that stimulus.

    No effect of the violating message is in it.
    """
    draft = Draft(snapshot, now)
    if snapshot.role is Role.SERVER:
        say_fatal(draft, code, why, param=param)
    else:
        report_violation(draft, code, why)
    return draft
