"""The effects of a server's rules for what the client sends."""

from typing import Final

from auricle.core import endings
from auricle.core.draft import Draft
from auricle.core.effect_function import for_message
from auricle.core.error_messages import error_of
from auricle.core.errors import NORMAL_CLOSURE, Breach
from auricle.core.events import (
    AudioReceived,
    AudioSkipped,
    ConfigureRequested,
    FlushRequested,
    InputFinished,
    Started,
)
from auricle.core.framing import FRAMINGS
from auricle.core.guarantees import remember
from auricle.core.messages import (
    Configure,
    EndInput,
    Flush,
    Gap,
    Malformed,
    Ping,
    Pong,
    Start,
    Unknown,
    changed,
)
from auricle.core.outputs import AudioSpan, Forget
from auricle.core.parts import SAMPLE_BYTES
from auricle.core.schema import LAST_POSITION, MAX_INTEGER
from auricle.core.server_send import warn
from auricle.core.snapshot import EndCode, OpenChange, OpenFlush, Snapshot
from auricle.core.states import Kind, State
from auricle.core.stimuli import Local, Stimulus, StopInput
from auricle.core.turn import Turn

LIVE_FACTOR: Final = 1.25
LIVE_SLACK_S: Final = 2.0
"""Audio that arrives no faster than this multiple of real time, after this many seconds at once, counts as live."""


@for_message(Start)
def receive_start(draft: Draft, start: Start) -> None:
    """Check what this implementation supports, and store the configuration.

    Raises `Breach` for an encoding, a framing or a required feature that it does not support.
    """
    if start.audio.encoding not in SAMPLE_BYTES:
        known = ", ".join(SAMPLE_BYTES)
        why = f"encoding {start.audio.encoding!r} is not supported, use one of {known}"
        raise Breach("unsupported_encoding", why, param="/audio/encoding")
    if start.audio.framing not in FRAMINGS:
        why = f"framing {start.audio.framing!r} is not supported, use one of {', '.join(FRAMINGS)}"
        raise Breach("unsupported_feature", why, param="/audio/framing")
    if start.require:
        raise Breach("unsupported_feature", f"{start.require[0]!r} is required but not supported", param="/require")
    # The successor of a lost session begins at the last committed sample of that one.
    origin = start.timeline_origin or 0
    draft.update(
        started=True, config=start, segment=start.segment_origin or 0,
        origin=origin, offered=origin, sent=origin, received=origin, processed=origin, committed=origin,
        turn=Turn(number=start.turn_origin or 0, first=start.segment_origin or 0, spoken_until=origin, at=origin),
        speech_at=origin, acked_processed=origin, acked_at=draft.now, said_at=draft.now,
    )  # fmt: skip
    draft.update(credit=min(LAST_POSITION, origin + draft.s.samples(draft.s.limits.prebuffer_s)))
    draft.emit(Started(config=start))


@for_message(AudioSpan)
def receive_audio(draft: Draft, span: AudioSpan) -> None:
    """Count audio and hand it to the engine. Raises `Breach` beyond the credit, or for too long a frame."""
    s, samples = draft.s, span.end - span.start
    if samples > s.samples(s.limits.max_audio_s):
        raise Breach("too_large", f"one frame may hold {s.limits.max_audio_s:g} s of audio")
    end = _within_credit(s, samples)
    if s.residue and s.config.audio.framing != "raw":
        warn(draft, "odd_bytes_dropped", f"a frame ended in the middle of a sample: {s.residue} bytes are not heard")
    draft.update(sent=end, offered=end, received=end, residue=span.residue, ack_owed=True, audio_at=draft.now)
    _note_backlog(draft, s)
    if samples:
        draft.emit(AudioReceived(start_sample=s.sent, end_sample=end))
    if 2 * (end - s.processed) > s.samples(s.limits.window_s):
        warn_if_falling_behind(draft)


def _within_credit(s: Snapshot, samples: int) -> int:
    end = s.sent + samples
    if not s.legacy and end > s.credit:
        raise Breach("backlog_exceeded", f"audio up to {end}, but the credit is {s.credit}")
    return end


@for_message(Gap)
def receive_gap(draft: Draft, gap: Gap) -> None:
    """Advance the timeline without audio. Raises `Breach` beyond the credit."""
    s = draft.s
    end = _within_credit(s, gap.samples)
    draft.update(
        sent=end, offered=end, received=end, gap=s.gap + gap.samples, residue=0, ack_owed=True, audio_at=draft.now
    )
    _note_backlog(draft, s)
    if s.residue:
        warn(draft, "odd_bytes_dropped", f"a gap came in the middle of a sample: {s.residue} bytes are not heard")
    draft.emit(AudioSkipped(start_sample=s.sent, end_sample=end))


def _note_backlog(draft: Draft, before: Snapshot) -> None:
    """The engine's time begins where it had nothing to do before."""
    if before.processed == before.received:
        draft.update(progress_at=draft.now)


def warn_if_falling_behind(draft: Draft) -> None:
    """Warn a live source once half of its window waits for the engine. A file sent at once is not warned."""
    s = draft.s
    elapsed_s = draft.now - s.ready_at
    if s.state is State.STREAMING and s.seconds(s.received - s.origin) <= LIVE_FACTOR * elapsed_s + LIVE_SLACK_S:
        backlog_ms = int(s.seconds(s.received - s.processed) * 1000)
        why = f"{backlog_ms / 1000:.1f} s of audio wait to be heard: results are late"
        warn(draft, "falling_behind", why, backlog_ms=backlog_ms)


@for_message(AudioSpan, Gap)
def count_late_audio(draft: Draft, late: AudioSpan | Gap) -> None:
    """Count audio that arrives after the end of input, and warn once; the engine does not get it.

    No credit bounds what comes late: the count stays at the highest number that can be sent.
    """
    samples = late.samples if isinstance(late, Gap) else late.end - late.start
    draft.update(late=min(MAX_INTEGER, draft.s.late + samples))
    if samples:
        warn(draft, "late_audio", "audio that comes after the end of input is not heard")


@for_message(Flush)
def receive_flush(draft: Draft, flush: Flush) -> None:
    """Queue a flush, and ask the engine unless nothing before it is left to decide (failure mode F7)."""
    s = draft.s
    at = s.received if flush.at is None else flush.at
    if at > s.received:
        # Where the server ended the input, the audio before the flush may have come too late: not the client's mistake.
        code = "invalid_state" if s.ended else "invalid_param"
        refuse(draft, code, f"flush at {at}, but only {s.received} samples have come", ref=flush.id)
        return
    if s.flushes and at < s.flushes[-1].at:
        refuse(draft, "invalid_param", f"flush at {at} lies before the one at {s.flushes[-1].at}", ref=flush.id)
        return
    if exceeds_rate(draft, len(s.flushes), s.limits.max_flushes_pending):
        refuse(draft, "rate_limited", "too many flushes", ref=flush.id)
        return
    times = draft.s.flush_times
    # After the end of input the engine decides everything anyway; the answer follows from that. A flush that only
    # marks a position asks nothing of the engine and cuts nothing.
    awaited = flush.finalise and not s.ended and at > s.committed
    exact = flush.finalise and at == s.received
    entry = OpenFlush(
        id=flush.id,
        at=at,
        segment=s.segment,
        since=draft.now,
        awaited=awaited,
        exact=exact,
        end_turn=bool(flush.end_turn),
    )
    draft.update(flushes=(*s.flushes, entry), flush_times=times)
    if awaited:
        draft.emit(FlushRequested(id=flush.id, at_sample=at))


def exceeds_rate(draft: Draft, pending: int, most: int) -> bool:
    """Count a request; return whether too many are pending, or too many came in too short a time.

    A client that resumes sends everything unanswered again at once, so a burst of as many as may be pending is allowed.
    Before ``ready`` nothing can be answered, so only their number is bounded there.
    """
    s = draft.s
    burst = s.limits.max_flushes_pending
    times = (*s.flush_times, draft.now)[-burst - 1 :] if s.state is not State.CONNECTING else ()
    draft.update(flush_times=times)
    too_fast = len(times) > burst and draft.now - times[0] < burst / s.limits.max_flushes_per_s
    return too_fast or pending >= most


def refuse(draft: Draft, code: str, why: str, *, ref: str, param: str | None = None) -> None:
    """Send a non-fatal error as the answer to the message with the id ``ref``."""
    if draft.s.state is State.CONNECTING:
        raise Breach("protocol_violation", why)  # O1: nothing durable may come before ready but a fatal error
    draft.update(answered=remember(draft.s.answered, ref))
    draft.send(error_of(draft.s, code, why, ref=ref, param=param))


@for_message(Flush, Configure)
def refuse_repeated(draft: Draft, message: Flush | Configure) -> None:
    """Say that an id is used twice. Without ``ref``: that would be the answer to the first one, which comes as well."""
    why = f"the id {message.id!r} of a {message.type} has been used: each gets one of its own"
    draft.send(error_of(draft.s, "invalid_param", why, param="/id"))


@for_message(Configure)
def receive_change(draft: Draft, configure: Configure) -> None:
    """Queue a change at the present position, and ask the engine to decide what comes before it (O7)."""
    s = draft.s
    if exceeds_rate(draft, len(s.changes), s.limits.max_changes_pending):
        refuse_change_for(draft, configure.id, "rate_limited", "too many changes")
        return
    config, ignored = changed(s.changes[-1].config if s.changes else s.config, configure.set)
    change = OpenChange(id=configure.id, at=s.received, config=config, ignored=ignored)
    draft.update(changes=(*draft.s.changes, change))
    draft.emit(ConfigureRequested(id=change.id, at_sample=change.at, config=config))


@for_message(Configure, Malformed)
def refuse_change(draft: Draft, message: Configure | Malformed) -> None:
    """Refuse a change that arrives after the end of input or is malformed; the configuration stays as it is."""
    match message:
        case Configure(id=change_id):
            refuse_change_for(draft, change_id, "invalid_state", "the input has ended: there is nothing left to change")
        case Malformed(code=code, why=why, ref=str(ref), param=param):
            refuse_change_for(draft, ref, code, why, param=param)
        case _:
            raise AssertionError(message)


def refuse_change_for(draft: Draft, change_id: str, code: str, why: str, *, param: str | None = None) -> None:
    """Send a non-fatal error as the answer to a change."""
    answered = draft.s.answered
    refuse(draft, code, why, ref=change_id, param=param)
    draft.update(answered=answered, answered_changes=remember(draft.s.answered_changes, change_id))


@for_message(EndInput)
def receive_end(draft: Draft, end: EndInput) -> None:
    """End the input for the client, warn where the sample counts differ, and tell the engine."""
    s = draft.s
    if s.residue:
        warn(draft, "odd_bytes_dropped", f"the audio ended in the middle of a sample: {s.residue} bytes are not heard")
    if end.total is not None and end.total != s.received:
        warn(draft, "audio_count_mismatch", f"the client counts {end.total} samples, {s.received} have come")
    draft.update(ended=True, ended_at=draft.now, progress_at=draft.now)
    draft.emit(InputFinished(total_samples=s.received))


def stop_input(draft: Draft, stimulus: Stimulus) -> None:
    """End the input from the server's side; what has been received is still decided and sent."""
    code: EndCode
    match stimulus:
        case StopInput(code=code):
            pass
        case Local(kind=Kind.AUDIO_IDLE):
            code = "idle"
        case Local(kind=Kind.SHUT_DOWN):
            code = "shutdown"
        case _:
            code = "session_limit"
    draft.update(ended=True, end_code=code, ended_at=draft.now, progress_at=draft.now)
    draft.emit(InputFinished(total_samples=draft.s.received))


@for_message(Ping)
def send_pong(draft: Draft, ping: Ping) -> None:
    """Answer ``ping``; its ``seen`` acknowledges durable messages, which the record drops."""
    if ping.seen is not None:
        draft.outputs.append(Forget(seq=min(ping.seen, draft.s.seq)))
    draft.send(Pong(now=draft.now, id=ping.id, t=ping.t))


@for_message(Unknown)
def warn_unknown(draft: Draft, unknown: Unknown) -> None:
    """Ignore a message of an unknown type, with a warning for the first (wire-protocols §3.10)."""
    warn(draft, "unknown_type", f"messages of type {unknown.name[:64]!r} are not known here", ref=unknown.name[:64])


def confirm_cancel(draft: Draft, _: Stimulus) -> None:
    """Answer ``cancel`` with ``closed``."""
    endings.say_closed(draft, "cancelled", NORMAL_CLOSURE, error=None, message="The client cancelled the session.")
