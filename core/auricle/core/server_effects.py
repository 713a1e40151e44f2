"""What the rules of a server do."""

from dataclasses import replace
from typing import Final

from auricle.core import endings
from auricle.core.draft import Draft
from auricle.core.errors import ERROR_CODES, NORMAL_CLOSURE, Breach, LocalProtocolError
from auricle.core.events import AudioReceived, FlushRequested, InputFinished, Started
from auricle.core.guarantees import check_flushed, is_moot, remember
from auricle.core.messages import (
    Ack,
    EndInput,
    ErrorMessage,
    Flush,
    Flushed,
    InputEnded,
    Loading,
    Ping,
    Pong,
    Start,
    Unknown,
    WarningMessage,
)
from auricle.core.outputs import AudioSpan
from auricle.core.parts import SAMPLE_BYTES
from auricle.core.snapshot import OpenFlush
from auricle.core.states import State
from auricle.core.stimuli import Advance, GiveUp, Hear, Lose, Say, Stimulus, StopInput

DRAIN_FACTOR: Final = 1.5
"""Seconds allowed for each second of audio that the engine has not yet heard when the input ends."""
ACK_SHARE: Final = 0.25
"""Share of the window after which an ack does not wait for its interval."""
FLUSH_RATE_S: Final = 1.0


def warn(draft: Draft, code: str, message: str, *, ref: str | None = None) -> None:
    """Say a warning, each kind once a session; one from before ``ready`` waits for it (O1)."""
    s = draft.s
    if code in s.warned:
        return
    warning = WarningMessage(seq=s.seq + 1, code=code, message=message, ref=ref)
    draft.update(warned=(*s.warned, code))
    if s.state is State.CONNECTING:
        draft.update(unsaid=(*s.unsaid, warning))
    else:
        draft.send(warning)


def say_unsaid(draft: Draft, _: Stimulus) -> None:
    """Say the oldest warning that waited for ``ready``."""
    warning, *rest = draft.s.unsaid
    draft.update(unsaid=tuple(rest))
    draft.send(replace(warning, seq=draft.s.seq + 1))


# ---------------------------------------------------------------------------- the client speaks


def take_start(draft: Draft, stimulus: Stimulus) -> None:
    """Check what only this implementation knows, and keep the configuration."""
    assert isinstance(stimulus, Hear)
    start = stimulus.message
    assert isinstance(start, Start)
    if start.audio.encoding not in SAMPLE_BYTES:
        known = ", ".join(SAMPLE_BYTES)
        why = f"encoding {start.audio.encoding!r} is not supported, use one of {known}"
        raise Breach("unsupported_encoding", why, param="/audio/encoding")
    if start.audio.framing != "raw":
        why = f"framing {start.audio.framing!r} is not supported, use raw"
        raise Breach("unsupported_feature", why, param="/audio/framing")
    if start.require:
        raise Breach("unsupported_feature", f"{start.require[0]!r} is required but not supported", param="/require")
    draft.update(started=True, config=start)
    draft.update(credit=draft.s.samples(draft.s.limits.prebuffer_s), acked_at=draft.now, said_at=draft.now)
    draft.emit(Started(config=start))


def take_audio(draft: Draft, stimulus: Stimulus) -> None:
    """Count audio and hand it to the engine. A client that overruns its credit has broken the protocol."""
    assert isinstance(stimulus, Hear)
    span = stimulus.message
    assert isinstance(span, AudioSpan)
    s, samples = draft.s, span.end - span.start
    if samples > s.samples(s.limits.max_audio_s):
        raise Breach("too_large", f"one frame may hold {s.limits.max_audio_s:g} s of audio")
    if not s.legacy and s.carried + samples > s.credit:
        raise Breach("backlog_exceeded", f"audio up to {s.carried + samples}, but the credit is {s.credit}")
    end = s.carried + samples
    draft.update(carried=end, offered=end, received=end, residue=span.residue, ack_owed=True)
    if samples:
        draft.emit(AudioReceived(start_sample=s.carried, end_sample=end))


def count_late(draft: Draft, stimulus: Stimulus) -> None:
    """Audio after the end of input is counted, told once, and not heard."""
    assert isinstance(stimulus, Hear)
    span = stimulus.message
    assert isinstance(span, AudioSpan)
    draft.update(late=draft.s.late + span.end - span.start)
    warn(draft, "late_audio", "audio that comes after the end of input is not heard")


def take_flush(draft: Draft, stimulus: Stimulus) -> None:
    """Queue a flush. Where nothing is left to decide before it the engine is not asked (failure mode F7)."""
    assert isinstance(stimulus, Hear)
    flush = stimulus.message
    assert isinstance(flush, Flush)
    s = draft.s
    at = s.received if flush.at is None else flush.at
    if at > s.received:
        refuse(draft, "invalid_param", f"flush at {at}, but only {s.received} samples have come", ref=flush.id)
        return
    if s.flushes and at < s.flushes[-1].at:
        refuse(draft, "invalid_param", f"flush at {at} lies before the one at {s.flushes[-1].at}", ref=flush.id)
        return
    # Before ready nothing can be answered, so only their number is bounded: whoever keeps it breaks no rule.
    times = (*s.flush_times, draft.now)[-s.limits.max_flushes_per_s - 1 :] if s.state is not State.CONNECTING else ()
    too_fast = len(times) > s.limits.max_flushes_per_s and draft.now - times[0] < FLUSH_RATE_S
    if too_fast or len(s.flushes) >= s.limits.max_flushes_pending:
        refuse(draft, "rate_limited", "too many flushes", ref=flush.id)
        return
    # After the end of input the engine decides everything anyway; the answer follows from that.
    asked = not s.ended and at > s.committed
    exact = at == s.received
    entry = OpenFlush(id=flush.id, at=at, segment=s.segment, since=draft.now, asked=asked, exact=exact)
    draft.update(flushes=(*s.flushes, entry), flush_times=times)
    if asked:
        draft.emit(FlushRequested(id=flush.id, at_sample=at))


def refuse(draft: Draft, code: str, why: str, *, ref: str) -> None:
    """Say a non-fatal error; it is the answer to the message ``ref``."""
    if draft.s.state is State.CONNECTING:
        raise Breach("protocol_violation", why)  # O1: nothing durable may come before ready but a fatal error
    row = ERROR_CODES[code]
    draft.update(answered=remember(draft.s, ref))
    draft.send(
        ErrorMessage(
            seq=draft.s.seq + 1,
            code=code,
            message=why,
            fatal=False,
            retriable=row.retriable,
            status=row.status,
            ref=ref,
        )
    )


def take_end(draft: Draft, stimulus: Stimulus) -> None:
    """No more audio will come."""
    assert isinstance(stimulus, Hear)
    end = stimulus.message
    assert isinstance(end, EndInput)
    s = draft.s
    if s.residue:
        warn(draft, "odd_bytes_dropped", f"the audio ended in the middle of a sample: {s.residue} bytes are not heard")
    if end.total is not None and end.total != s.received:
        warn(draft, "audio_count_mismatch", f"the client counts {end.total} samples, {s.received} have come")
    draft.update(ended=True, ended_at=draft.now, progress_at=draft.now)
    draft.emit(InputFinished(total_samples=s.received))


def stop_input(draft: Draft, stimulus: Stimulus) -> None:
    """The server takes no more input: what it holds is still decided and told."""
    assert isinstance(stimulus, StopInput)
    draft.update(ended=True, end_code=stimulus.code, ended_at=draft.now, progress_at=draft.now)
    draft.emit(InputFinished(total_samples=draft.s.received))


def answer_ping(draft: Draft, stimulus: Stimulus) -> None:
    """Say pong."""
    assert isinstance(stimulus, Hear)
    ping = stimulus.message
    assert isinstance(ping, Ping)
    draft.send(Pong(now=draft.now, id=ping.id, t=ping.t))


def warn_unknown(draft: Draft, stimulus: Stimulus) -> None:
    """An unknown type is ignored; the first is told (wire-protocols §3.10)."""
    assert isinstance(stimulus, Hear)
    unknown = stimulus.message
    assert isinstance(unknown, Unknown)
    warn(draft, "unknown_type", f"messages of type {unknown.name[:64]!r} are not known here", ref=unknown.name[:64])


def confirm_cancel(draft: Draft, _: Stimulus) -> None:
    """The client wants nothing more."""
    endings.say_closed(draft, "cancelled", NORMAL_CLOSURE, error=None, message="The client cancelled the session.")


def lose(draft: Draft, stimulus: Stimulus) -> None:
    """The client is gone."""
    assert isinstance(stimulus, Lose)
    endings.lose(draft, stimulus)


# ---------------------------------------------------------------------------- the engine speaks


def open_session(draft: Draft, _: Stimulus) -> None:
    """``ready``: the window opens, and is counted from what the engine has heard."""
    s = draft.s
    draft.update(
        # A grant never lowers the limit: what the pre-buffer allowed may be on its way already.
        credit=max(s.credit, s.samples(s.limits.window_s)),
        acked_at=draft.now,
        progress_at=draft.now,
        heard_at=draft.now,
    )


def advance(draft: Draft, stimulus: Stimulus) -> None:
    """Move ``processed`` and with it the credit; tell when enough has moved."""
    assert isinstance(stimulus, Advance)
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
        tell_watermarks(draft)


def say_ack(draft: Draft, _: Stimulus) -> None:
    """Tell the watermarks; to a client that asked for no acks only as often as its credit needs it."""
    if draft.s.config.features.acks:
        tell_watermarks(draft)
    else:
        draft.update(ack_owed=False)


def tell_watermarks(draft: Draft) -> None:
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


def say_progress(draft: Draft, _: Stimulus) -> None:
    """PROGRESS_INTERVAL: some frame while loading, behind or draining."""
    if draft.s.state is State.CONNECTING:
        draft.send(Loading(stage="loading"))
    else:
        tell_watermarks(draft)


def answer_flush(draft: Draft, _: Stimulus) -> None:
    """Answer the oldest flush, which has nothing left to decide."""
    s = draft.s
    flush = s.flushes[0]
    say_flushed(draft, flush, upto=max(flush.at, s.committed))


def say_flushed(draft: Draft, flush: OpenFlush, *, upto: int) -> None:
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


def say_input_ended(draft: Draft, _: Stimulus) -> None:
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


def complete(draft: Draft, _: Stimulus) -> None:
    """O9: everything is decided. What no final covers is now recorded as non-speech."""
    s = draft.s
    if s.processed != s.received:
        raise LocalProtocolError(f"O9: {s.processed} of {s.received} samples are processed")
    if s.speaking_since is not None:
        raise LocalProtocolError("O9: a speech_start has no speech_end")
    draft.update(non_speech=s.non_speech + s.received - s.committed, committed=s.received)
    while draft.s.flushes:
        if not is_moot(draft.s, draft.s.flushes[0]):
            raise LocalProtocolError(f"O9: flush {draft.s.flushes[0].id!r} is unanswered")
        answer_flush(draft, _)
    match s.end_code:
        case None:
            endings.say_closed(draft, "completed", NORMAL_CLOSURE, error=None, message="The session is complete.")
        case "session_limit" as reason:
            message = "The session reached its longest duration."
            endings.say_closed(draft, reason, NORMAL_CLOSURE, error=None, message=message)
        case "shutdown" | "idle" as reason:
            code = ERROR_CODES[reason].close_code
            endings.say_closed(draft, reason, code, error=reason, message=f"The server ended the input: {reason}.")


def give_up(draft: Draft, stimulus: Stimulus) -> None:
    """The session fails."""
    match stimulus:
        case GiveUp(code=code, why=why, param=param):
            endings.say_fatal(draft, code, why, param=param)
        case Say(message=ErrorMessage(code=code, message=why)):
            endings.say_fatal(draft, code, why)
        case _:
            raise AssertionError(stimulus)
