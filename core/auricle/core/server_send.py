"""What the rules of a server do to tell its client something."""

from dataclasses import replace
from typing import Final

from auricle.core import endings, guarantees
from auricle.core.draft import Draft
from auricle.core.effect_function import for_message, for_stimulus
from auricle.core.errors import ERROR_CODES, NORMAL_CLOSURE, Breach, LocalProtocolError
from auricle.core.guarantees import check_flushed, is_decided
from auricle.core.messages import (
    Ack,
    ErrorMessage,
    Flushed,
    InputEnded,
    Loading,
    Ready,
    Stats,
    WarningMessage,
)
from auricle.core.messages import Final as FinalMessage
from auricle.core.snapshot import OpenFlush, Snapshot
from auricle.core.states import State
from auricle.core.stimuli import Advance, Fail, Say, Stimulus

DRAIN_FACTOR: Final = 1.5
"""Seconds allowed for each second of audio that the engine has not yet heard when the input ends."""
ACK_SHARE: Final = 0.25
"""Share of the window after which an ack does not wait for its interval."""


def warn(draft: Draft, code: str, message: str, *, ref: str | None = None, backlog_ms: int | None = None) -> None:
    """Say a warning, each kind once a session; one from before ``ready`` waits for it (O1)."""
    s = draft.s
    if code in s.warned:
        return
    warning = WarningMessage(seq=s.seq + 1, code=code, message=message, ref=ref, backlog_ms=backlog_ms)
    draft.update(warned=(*s.warned, code))
    if s.state is State.CONNECTING:
        draft.update(deferred_warnings=(*s.deferred_warnings, warning))
    else:
        draft.send(warning)


def send_deferred_warning(draft: Draft, _: Stimulus) -> None:
    """Say the oldest warning that waited for ``ready``."""
    warning, *rest = draft.s.deferred_warnings
    draft.update(deferred_warnings=tuple(rest))
    draft.send(replace(warning, seq=draft.s.seq + 1))


@for_message(Ready)
def open_session(draft: Draft, ready: Ready) -> None:
    """``ready``: the window opens, and is counted from what the engine has heard."""
    draft.update(
        credit=first_credit(draft.s),
        ready_at=draft.now,
        audio_at=draft.now,
        stats_at=draft.now,
        acked_at=draft.now,
        progress_at=draft.now,
        heard_at=draft.now,
    )
    if ready.resume is not None:
        draft.recover(session=ready.session, token=ready.resume.token, window_s=ready.resume.window_ms / 1000)


def first_credit(s: Snapshot) -> int:
    """Return the credit that ``ready`` grants.

    A grant never lowers the limit: what the pre-buffer allowed may be on its way already.
    """
    return max(s.credit, s.origin + s.samples(s.limits.window_s))


def send_stats(draft: Draft, _: Stimulus) -> None:
    """How the server fares with this session, as often as the client asked."""
    s = draft.s
    every_s = (s.config.features.stats_ms or 0) / 1000
    heard_s = s.seconds(s.processed - s.origin)
    draft.update(stats_at=draft.now)
    draft.send(
        Stats(
            backlog_ms=int(s.seconds(s.received - s.processed) * 1000),
            rtf=round((draft.now - s.ready_at) / heard_s, 3) if heard_s else None,
            loop_lag_ms=max(0, int((draft.now - s.stats_at - every_s) * 1000)),
        )
    )


def warn_of_expiry(draft: Draft, _: Stimulus) -> None:
    """A session ends after ``session_max_s``; its client is told a while before."""
    left_s = draft.s.limits.session_warning_s
    warn(draft, "session_expiring", f"this session has lasted long: its input ends in {left_s:g} s")


@for_stimulus(Advance)
def advance(draft: Draft, stimulus: Advance) -> None:
    """Move ``processed`` and with it the credit; tell when enough has moved."""
    s = draft.s
    if stimulus.processed > s.received:
        raise LocalProtocolError(f"O12: processed {stimulus.processed}, but only {s.received} samples have come")
    # A final may have moved processed already; the credit still has to follow.
    window, processed = s.samples(s.limits.window_s), max(s.processed, stimulus.processed)
    credit = max(s.credit, processed + window)
    if (processed, credit) == (s.processed, s.credit):
        return
    draft.update(processed=processed, credit=credit, progress_at=draft.now, ack_owed=True)
    if draft.s.processed - s.acked_processed >= ACK_SHARE * window:
        send_watermarks(draft)


def send_ack(draft: Draft, _: Stimulus) -> None:
    """Tell the watermarks; to a client that asked for no acks only as often as its credit needs it."""
    if draft.s.config.features.acks:
        send_watermarks(draft)
    else:
        draft.update(ack_owed=False)


def send_watermarks(draft: Draft) -> None:
    """Say ``ack``. A client of this class keeps nothing before ``received``."""
    s = draft.s
    draft.update(ack_owed=False, acked_at=draft.now, acked_processed=s.processed)
    draft.send(
        Ack(
            received=s.received,
            processed=s.processed,
            committed=s.committed,
            credit=s.credit,
            discard_before=s.received,
        )
    )


def send_progress(draft: Draft, _: Stimulus) -> None:
    """PROGRESS_INTERVAL: some frame while loading, behind or draining."""
    if draft.s.state is State.CONNECTING:
        draft.send(Loading(stage="loading"))
    else:
        send_watermarks(draft)


@for_message(Flushed)
def send_flushed(draft: Draft, answer: Flushed) -> None:
    """Answer a flush that the engine has decided, and before it every marker that is thereby decided too (O6)."""
    for marker in draft.s.flushes:
        if marker.id == answer.id:
            send_flushed_for(draft, marker, upto=answer.upto)
            return
        if not marker.awaited and marker.at <= answer.upto:
            send_flushed_for(draft, marker, upto=max(marker.at, draft.s.committed))
    raise Breach("protocol_violation", f"O6: no flush {answer.id!r} is open")


def send_oldest_flushed(draft: Draft, _: Stimulus) -> None:
    """Answer the oldest flush, which has nothing left to decide."""
    s = draft.s
    flush = s.flushes[0]
    send_flushed_for(draft, flush, upto=max(flush.at, s.committed))


def send_flushed_for(draft: Draft, flush: OpenFlush, *, upto: int) -> None:
    """Build and say the answer to an open flush (O6)."""
    s = draft.s
    answer = Flushed(
        seq=s.seq + 1,
        id=flush.id,
        upto=upto,
        last_segment=s.segment - 1 if s.segment else None,
        empty=s.segment == flush.segment,
    )
    check_flushed(draft, answer)
    draft.send(answer)


def send_input_ended(draft: Draft, _: Stimulus) -> None:
    """O8: once, after everything that was asked before it has been answered."""
    s = draft.s
    pending_s = s.seconds(s.received - s.processed)
    draft.send(
        InputEnded(
            seq=s.seq + 1,
            received=s.received,
            by="client" if s.end_code is None else "server",
            code=s.end_code,
            pending_ms=int(pending_s * 1000),
            deadline_ms=int((s.limits.drain_timeout_s + DRAIN_FACTOR * pending_s) * 1000),
        )
    )
    draft.update(ended_seq=draft.s.seq)


def complete(draft: Draft, _: Stimulus) -> None:
    """O9: everything is decided. What no final covers is now recorded as non-speech."""
    s = draft.s
    if s.processed != s.received:
        raise LocalProtocolError(f"O9: {s.processed} of {s.received} samples are processed")
    if s.speaking_since is not None:
        raise LocalProtocolError("O9: a speech_start has no speech_end")
    if s.changes:
        raise LocalProtocolError(f"O9: change {s.changes[0].id!r} is unanswered")
    draft.update(non_speech=s.non_speech + s.received - s.committed, committed=s.received)
    while draft.s.flushes:
        if not is_decided(draft.s, draft.s.flushes[0]):
            raise LocalProtocolError(f"O9: flush {draft.s.flushes[0].id!r} is unanswered")
        send_oldest_flushed(draft, _)
    match s.end_code:
        case None:
            endings.say_closed(draft, "completed", NORMAL_CLOSURE, error=None, message="The session is complete.")
        case "session_limit" as reason:
            message = "The session reached its longest duration."
            endings.say_closed(draft, reason, NORMAL_CLOSURE, error=None, message=message)
        case "shutdown" | "idle" as reason:
            code = ERROR_CODES[reason].close_code
            endings.say_closed(draft, reason, code, error=reason, message=f"The server ended the input: {reason}.")


def fail(draft: Draft, stimulus: Stimulus) -> None:
    """The session fails."""
    match stimulus:
        case Fail(code=code, why=why, param=param, retry_after_s=wait_s):
            endings.say_fatal(draft, code, why, param=param, retry_after_s=wait_s)
        case Say(message=ErrorMessage(code=code, message=why)):
            endings.say_fatal(draft, code, why)
        case _:
            raise AssertionError(stimulus)


@for_message(FinalMessage)
def track_final(draft: Draft, final: FinalMessage) -> None:
    """Check a final of the engine: its end must respect open flushes and changes (O6, O7), and O3-O5 hold."""
    guarantees.check_cut(draft.s, final.audio[1])
    guarantees.check_final(draft, final)


@for_message(ErrorMessage)
def track_loss(draft: Draft, error: ErrorMessage) -> None:
    """Account for the audio of a failed utterance; an error that names a flush or a change is its answer."""
    if error.audio is not None:
        guarantees.check_cut(draft.s, error.audio[1])
    guarantees.check_loss(draft, error)
    guarantees.check_refusal(draft, error)
