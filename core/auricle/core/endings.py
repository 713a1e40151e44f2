"""How sessions end: every way there is, each with exactly one terminal event."""

from collections.abc import Mapping
from typing import Final

from auricle.core.draft import Draft
from auricle.core.errors import ABNORMAL_CLOSURE, ERROR_CODES, NORMAL_CLOSURE, RETRIABLE_CLOSE_CODES
from auricle.core.events import Ending, SessionClosed
from auricle.core.messages import Cancel, Closed, ErrorMessage
from auricle.core.outputs import AbortTransport
from auricle.core.parts import ClosedStats, CloseReason
from auricle.core.snapshot import Snapshot
from auricle.core.states import Role
from auricle.core.stimuli import Lose, Stimulus

TIMEOUTS: Final = frozenset({"connect_timeout", "ready_timeout", "silence", "drain_timeout"})
"""Verdicts of a client about a server that went quiet."""
REASONS: Final[Mapping[str, CloseReason]] = {"idle": "idle", "shutdown": "shutdown"}
"""Error codes that are reasons of their own in ``closed``; every other is ``error``."""


def _end(draft: Draft, closed: SessionClosed) -> None:
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
    """O2: exactly one ``closed``, the last message ever said, then the Close frame with its code."""
    s = draft.s
    complete = reason == "completed" and s.dropped == 0 and s.committed == s.processed == s.received
    closed = Closed(seq=s.seq + 1, reason=reason, code=code, complete=complete, stats=stats(s, draft.now))
    draft.send(closed)
    draft.close_transport(code, error or reason)
    if not s.attached and s.recovery.token is not None:
        # Nobody is there to hear it: the client may still come and ask.
        draft.recover(retained=True, lost_at=draft.now)
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
    """O10: on a fatal error, ``error`` and then ``closed`` with ``complete`` false."""
    row = ERROR_CODES[code]
    draft.send(
        ErrorMessage(
            seq=draft.s.seq + 1,
            code=code,
            message=why,
            fatal=True,
            retriable=row.retriable,
            status=row.status,
            param=param,
            retry_after_ms=None if retry_after_s is None else round(retry_after_s * 1000),
        )
    )
    say_closed(draft, REASONS.get(code, "error"), row.close_code, error=code, message=f"The session failed: {why}.")


# ---------------------------------------------------------------------------- client


def conclude(draft: Draft, closed: Closed) -> None:
    """Check the server's accounting against ours. ``complete`` is a theorem: every clause of it is checked here."""
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
    told = closed.stats
    if not s.ended:
        return "the input was still open"
    if s.sent < s.offered:
        return f"{s.offered - s.sent} samples were never sent"
    if told.received != s.sent:
        return f"the server received {told.received} of {s.sent} samples"
    if told.committed != told.received or told.processed != told.received:
        return f"only {told.committed} of {told.received} samples are committed"
    if s.past.dropped:
        return f"{s.past.dropped} samples were lost with the server that had them"
    if told.dropped or s.dropped:
        return f"{max(told.dropped, s.dropped)} samples were lost to engine failures"
    if told.gap != s.gap:
        return f"the server counts {told.gap} samples without audio, not {s.gap}"
    if told.segments != s.segment:
        return f"{s.segment} of {told.segments} finals arrived"
    if s.flushes:
        return f"flush {s.flushes[0].id!r} was not answered"
    if s.changes:
        return f"change {s.changes[0].id!r} was not answered"
    # What no final covers must be what the server calls non-speech: beyond our last commit, and before it.
    if told.non_speech != s.non_speech + told.committed - s.committed:
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
    """Our application leaves: say so where somebody can hear it, and close."""
    if draft.s.started and draft.s.attached:
        draft.send(Cancel(reason="the application left"))
    draft.close_transport(NORMAL_CLOSURE, "cancelled")
    if not draft.s.attached:
        draft.outputs.append(AbortTransport())
    _end(draft, _local(draft, "aborted", NORMAL_CLOSURE, "The session was left before it was complete."))


def end_lost(draft: Draft, lost: Lose) -> None:
    """The transport is gone before ``closed``: never a success (failure mode F22)."""
    draft.update(attached=False)
    error, why = draft.s.error or (None, None)
    sentence = loss_sentence(lost, why)
    _end(
        draft,
        _local(draft, "lost", lost.code, sentence, error=error, retriable=_is_retriable(error, lost.code)),
    )


def loss_sentence(lost: Lose, why: str | None = None) -> str:
    """Return one sentence about how a transport went."""
    message = {
        "eof": f"The connection was closed (code {lost.code}) before the session was complete",
        "reset": "The connection broke",
        "refused": "The connection could not be made",
        "stalled": "The connection stopped taking data",
        "cancelled": "The connection was taken away",
    }[lost.how]
    detail = why or lost.reason
    return f"{message}{': ' if detail else ''}{detail}."


def end_refused(draft: Draft, _: Stimulus) -> None:
    """The server would not take the session up, and a new one could not go on with it."""
    error, why = draft.s.error or (None, None)
    draft.close_transport(NORMAL_CLOSURE, "refused")
    sentence = f"The session could not be taken up again: {why or 'the server refused it'}."
    _end(draft, _local(draft, "lost", ABNORMAL_CLOSURE, sentence, error=error, retriable=True))


def end_unreachable(draft: Draft, _: Stimulus) -> None:
    """The session could not be got back in time."""
    draft.outputs.append(AbortTransport())
    sentence = f"The connection was lost and could not be made again for {draft.s.limits.reconnect_timeout_s:g} s."
    _end(draft, _local(draft, "lost", ABNORMAL_CLOSURE, sentence, retriable=True))


def end_expired(draft: Draft, _: Stimulus) -> None:
    """Server: the client did not come back."""
    _end(draft, _local(draft, "lost", ABNORMAL_CLOSURE, "The client did not come back."))


def _is_retriable(error: str | None, code: int) -> bool:
    """What was said as an error counts; a close code is all there is without one."""
    row = ERROR_CODES.get(error) if error else None
    return row.retriable if row else code in RETRIABLE_CLOSE_CODES


def report_violation(draft: Draft, code: str, why: str) -> None:
    """Client: the server broke the protocol or fell silent. Give up on it."""
    row = ERROR_CODES[code]
    if code in TIMEOUTS:
        # Nobody is listening at the other end: a closing handshake would only wait for it.
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
    """Return the outcome of the peer's violation, computed from the snapshot *before* it: nothing is half done."""
    draft = Draft(snapshot, now)
    if snapshot.role is Role.SERVER:
        say_fatal(draft, code, why, param=param)
    else:
        report_violation(draft, code, why)
    return draft
