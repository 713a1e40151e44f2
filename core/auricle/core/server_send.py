"""The effects of a server's rules for what it sends: results, answers, acks, warnings and the end."""

import math
from dataclasses import replace
from typing import Final

from auricle.core import codec, endings, guarantees
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
from auricle.core.parts import ResumeOffer, ServerInfo
from auricle.core.progress import LONGEST_DRAIN_S, drain_budget_s
from auricle.core.schema import LAST_POSITION
from auricle.core.server_turns import end_turn
from auricle.core.snapshot import OpenFlush, Snapshot
from auricle.core.states import AttachmentEvent, State
from auricle.core.stimuli import Advance, Expect, Fail, Say, Stimulus

ACK_SHARE: Final = 0.25
"""Share of the window after which an ack does not wait for its interval."""


def warn(draft: Draft, code: str, message: str, *, ref: str | None = None, backlog_ms: int | None = None) -> None:
    """Send a warning, each code once in a session. Before ``ready`` it is deferred, as ``ready`` comes first (O1)."""
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
    """Send the oldest deferred warning."""
    warning, *rest = draft.s.deferred_warnings
    draft.update(deferred_warnings=tuple(rest))
    draft.send(replace(warning, seq=draft.s.seq + 1))


@for_message(Ready)
def open_session(draft: Draft, ready: Ready) -> None:
    """Apply our own ``ready``: grant the window and start the timers of an open session."""
    draft.update(
        credit=first_credit(draft.s),
        ready_at=draft.now,
        audio_at=draft.now,
        stats_at=draft.now,
        acked_at=draft.now,
        progress_at=draft.now,
        heard_at=draft.now,
        detects_turns=ready.detects_turns,
        tells_speakers_apart=ready.tells_speakers_apart,
    )
    draft.attach(AttachmentEvent.READY if ready.resume is None else AttachmentEvent.READY_RESUMABLE)
    if ready.resume is not None:
        draft.recover(session=ready.session, token=ready.resume.token, window_s=ready.resume.window_ms / 1000)


def ready_of(s: Snapshot, session_id: str, server: ServerInfo, resume_token: str | None) -> Ready:
    """Return the ``ready`` of a session; it can be resumed where the client asked for that and the limits allow it."""
    offer = None
    if resume_token is not None and s.config.resume and s.limits.resume_window_s > 0:
        offer = ResumeOffer(token=resume_token, window_ms=int(s.limits.resume_window_s * 1000))
    return Ready(
        seq=s.seq + 1,
        session=session_id,
        credit=first_credit(s),
        effective=codec.plain(s.config),
        limits=s.limits.told(),
        resume=offer,
        server=server,
    )


def first_credit(s: Snapshot) -> int:
    """Return the credit that ``ready`` grants, as a sample position.

    It is never lower than before: audio within the pre-buffer may be on its way already.
    """
    return credit_from(s, s.origin)


def credit_from(s: Snapshot, processed: int) -> int:
    """Return the credit while the engine has processed every sample before ``processed``.

    No credit reaches beyond the last position, so no position does.
    """
    return max(s.credit, min(LAST_POSITION, processed + s.samples(s.limits.window_s)))


def send_stats(draft: Draft, _: Stimulus) -> None:
    """Send ``stats``: backlog, real-time factor and loop lag."""
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
    """Warn the client ``session_warning_s`` before ``session_max_s`` ends the input."""
    left_s = draft.s.limits.session_warning_s
    warn(draft, "session_expiring", f"this session has lasted long: its input ends in {left_s:g} s")


@for_stimulus(Advance)
def advance(draft: Draft, stimulus: Advance) -> None:
    """Move ``processed`` and with it the credit; send an ack at once when enough has moved.

    Raises `LocalProtocolError` for samples that have not been received (O12).
    """
    s = draft.s
    if stimulus.processed > s.received:
        raise LocalProtocolError(f"O12: processed {stimulus.processed}, but only {s.received} samples have come")
    # A final may have moved processed already; the credit still has to follow.
    processed = max(s.processed, stimulus.processed)
    credit = credit_from(s, processed)
    if (processed, credit) == (s.processed, s.credit):
        return
    draft.update(processed=processed, credit=credit, progress_at=draft.now, ack_owed=True)
    if draft.s.processed - s.acked_processed >= ACK_SHARE * s.samples(s.limits.window_s):
        send_watermarks(draft)


@for_stimulus(Expect)
def note_prediction(draft: Draft, expected: Expect) -> None:
    """Keep how long the engine may take. Raises `LocalProtocolError` for what is no time."""
    if not 0.0 <= expected.engine_s < math.inf:
        raise LocalProtocolError(f"{expected.engine_s!r} is no time in seconds")
    draft.update(engine_s=min(expected.engine_s, LONGEST_DRAIN_S))


def note_queue(draft: Draft, _: Stimulus) -> None:
    """Count a move of the queue, and tell the client within `progress_interval_s`: its own timers wait for it too."""
    s = draft.s
    draft.update(moves=s.moves + 1, moved_at=draft.now, ack_owed=True)
    if draft.now - s.acked_at >= s.limits.progress_interval_s:
        send_watermarks(draft)


def send_ack(draft: Draft, _: Stimulus) -> None:
    """Send the ack that is due. A client without acks is owed none, and gets one when its credit has moved far."""
    send_watermarks(draft)


def send_watermarks(draft: Draft) -> None:
    """Send ``ack``. This server never needs audio before ``received`` again, so the client may discard it."""
    s = draft.s
    draft.update(ack_owed=False, acked_at=draft.now, acked_processed=s.processed)
    draft.send(
        Ack(
            received=s.received,
            processed=s.processed,
            committed=s.committed,
            credit=s.credit,
            discard_before=s.received,
            moves=s.moves or None,
        )
    )


def send_progress(draft: Draft, _: Stimulus) -> None:
    """Send some frame while loading, behind or draining, to show that the server is alive (PROGRESS_INTERVAL)."""
    if draft.s.state is State.CONNECTING:
        draft.send(Loading(stage="loading"))
    else:
        send_watermarks(draft)


@for_message(Flushed)
def send_flushed(draft: Draft, answer: Flushed) -> None:
    """Answer the flush that the engine has decided, after every earlier marker that is decided with it (O6)."""
    for marker in draft.s.flushes:
        if marker.id == answer.id:
            send_flushed_for(draft, marker, upto=answer.upto)
            return
        if not marker.awaited and marker.at <= answer.upto:
            send_flushed_for(draft, marker, upto=max(marker.at, draft.s.committed))
    raise Breach("protocol_violation", f"O6: no flush {answer.id!r} is open")


def send_oldest_flushed(draft: Draft, _: Stimulus) -> None:
    """Answer the oldest flush, before which nothing is left to decide."""
    s = draft.s
    flush = s.flushes[0]
    send_flushed_for(draft, flush, upto=max(flush.at, s.committed))


def send_flushed_for(draft: Draft, flush: OpenFlush, *, upto: int) -> None:
    """Check and send ``flushed`` for an open flush (O6), after the ``turn_end`` that it asks for (O11)."""
    if flush.end_turn:
        end_turn(draft, "manual")
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
    """Send ``input_ended``: once, after every flush and change from before it has been answered (O8)."""
    s = draft.s
    pending_s = s.seconds(s.received - s.processed)
    draft.send(
        InputEnded(
            seq=s.seq + 1,
            received=s.received,
            by="client" if s.end_code is None else "server",
            code=s.end_code,
            pending_ms=int(pending_s * 1000),
            deadline_ms=int(drain_budget_s(s) * 1000),
        )
    )
    draft.update(ended_seq=draft.s.seq)


def complete(draft: Draft, _: Stimulus) -> None:
    """Close the session as complete: samples that no final covers become non-speech (O9).

    Raises `LocalProtocolError` where audio, an utterance, a change or a flush is still open.
    """
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
    end_turn(draft, "manual")
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
    """Send ``error`` and ``closed``."""
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
    draft.update(progress_at=draft.now)


@for_message(ErrorMessage)
def track_loss(draft: Draft, error: ErrorMessage) -> None:
    """Account for the audio of a failed utterance; an error that names a flush or a change is its answer."""
    if error.audio is not None:
        guarantees.check_cut(draft.s, error.audio[1])
        draft.update(progress_at=draft.now)
    guarantees.check_loss(draft, error)
    guarantees.check_refusal(draft, error)
