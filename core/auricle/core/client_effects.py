"""The effects of a client's rules: connecting, sending in order, and answers."""

from dataclasses import replace
from typing import Final

from auricle.core import guarantees, progress
from auricle.core.draft import Draft
from auricle.core.effect_function import for_message, for_stimulus
from auricle.core.errors import BacklogFull, LocalProtocolError
from auricle.core.events import FlushTimedOut
from auricle.core.framing import HEADER
from auricle.core.messages import (
    Ack,
    Cancel,
    Configure,
    Configured,
    EndInput,
    ErrorMessage,
    Flush,
    Flushed,
    Gap,
    InputEnded,
    Ping,
    Ready,
    changed,
)
from auricle.core.outputs import AudioSpan, OpenTransport
from auricle.core.rules.attachment import MAY_SPEAK
from auricle.core.schema import LAST_POSITION
from auricle.core.snapshot import OpenChange, OpenFlush, Pending, Snapshot
from auricle.core.states import AttachmentEvent
from auricle.core.stimuli import Opened, Stimulus

SEEN_EVERY: Final = 32
"""Durable messages after which the client acknowledges them with ``ping.seen``, so that the server can drop them."""


def request_transport(draft: Draft, _: Stimulus) -> None:
    """Ask for the first transport; the time to connect counts from now."""
    draft.attach(AttachmentEvent.CONNECT)
    draft.update(opened_at=draft.now)
    draft.recover(asked_at=draft.now)
    draft.outputs.append(OpenTransport(not_before=draft.now))


@for_stimulus(Opened)
def send_start(draft: Draft, opened: Opened) -> None:
    """The transport is open: send ``start`` at once; audio may follow up to the pre-buffer, before ``ready``."""
    s = draft.s
    if opened.legacy:
        # A legacy server cannot resume: audio that has been sent need not be retained.
        draft.update(legacy=True)
        draft.recover(retain_audio=False)
    draft.attach(AttachmentEvent.SAY_START)
    draft.update(
        started=True,
        seq=0,
        sent=s.origin,
        outbox_sent=0,
        credit=s.origin + s.samples(s.limits.prebuffer_s),
        opened_at=draft.now,
        heard_at=draft.now,
    )
    draft.send(s.config)


@for_message(AudioSpan)
def offer_audio(draft: Draft, span: AudioSpan) -> None:
    """Accept audio from the application; what exceeds the credit waits. Raises `BacklogFull` beyond ``backlog_s``."""
    s = draft.s
    _check_room(s, span.end - span.start)
    draft.update(offered=s.offered + span.end - span.start, residue=span.residue)


@for_message(Gap)
def offer_gap(draft: Draft, gap: Gap) -> None:
    """Accept samples without audio. They take up positions and wait for credit as audio does."""
    s = draft.s
    if s.residue:
        raise LocalProtocolError("a gap may not begin in the middle of a sample")
    _check_room(s, gap.samples)
    end = s.offered + gap.samples
    start, before = (s.gaps[-1][0], s.gaps[:-1]) if s.gaps and s.gaps[-1][1] == s.offered else (s.offered, s.gaps)
    draft.update(offered=end, gap=s.gap + gap.samples, gaps=(*before, (start, end)))


def _check_room(s: Snapshot, samples: int) -> None:
    if s.offered + samples > LAST_POSITION:
        raise LocalProtocolError(f"{samples} samples after {s.offered} lie beyond the last position, {LAST_POSITION}")
    if s.offered - s.sent >= s.samples(s.limits.backlog_s):
        raise BacklogFull(
            f"{s.seconds(s.offered - s.sent):.1f} s of audio wait for the server already; offer more when there is room"
        )


@for_message(Flush)
def queue_flush(draft: Draft, flush: Flush) -> None:
    """Queue a flush behind all audio offered before it: it never overtakes audio (F19)."""
    s = draft.s
    if len(s.flushes) >= s.limits.max_flushes_pending:
        raise BacklogFull(f"{len(s.flushes)} flushes wait for their answers already")
    at = s.offered if flush.at is None else flush.at
    asked = OpenFlush(id=flush.id, at=at, segment=s.segment, since=draft.now)
    message = replace(flush, at=at)
    draft.update(flushes=(*s.flushes, asked), outbox=(*s.outbox, Pending(at=at, message=message)))


@for_message(Configure)
def queue_change(draft: Draft, change: Configure) -> None:
    """Queue a change behind all audio offered before it: it applies to the audio after it."""
    s = draft.s
    if len(s.changes) >= s.limits.max_changes_pending:
        raise BacklogFull(f"{len(s.changes)} changes wait for their answers already")
    config, ignored = changed(s.changes[-1].config if s.changes else s.config, change.set)
    asked = OpenChange(id=change.id, at=s.offered, config=config, ignored=ignored)
    draft.update(changes=(*s.changes, asked), outbox=(*s.outbox, Pending(at=s.offered, message=change)))


def queue_end(draft: Draft, _: Stimulus) -> None:
    """Queue the end of input behind all audio; ``total`` is the number of samples offered."""
    s = draft.s
    end = Pending(at=s.offered, message=EndInput(total=s.offered))
    draft.update(ended=True, ended_at=draft.now, outbox=(*s.outbox, end))


def send_pending(draft: Draft, _: Stimulus) -> None:
    """Send what credit allows: audio and control messages, in the order in which they were offered."""
    while may_send(draft.s):
        s = draft.s
        head = s.outbox[s.outbox_sent] if s.outbox_sent < len(s.outbox) else None
        stop = min(s.credit, s.offered, head.at if head else s.offered)
        if s.sent < stop:
            _send_timeline(draft, stop)
        elif head is not None and head.at <= s.sent:
            if isinstance(head.message, EndInput) and s.residue:
                # Part of a sample frame cannot be counted: the server gets it and answers with odd_bytes_dropped.
                draft.send(AudioSpan(start=s.sent, end=s.sent, residue=s.residue))
            draft.update(outbox_sent=s.outbox_sent + 1)
            draft.send(head.message)
        elif s.recovery.retain_audio and s.seq - s.recovery.acked_seq >= SEEN_EVERY:
            send_ping(draft, _)
        else:
            return


def may_send(s: Snapshot) -> bool:
    """Whether anything but ``ping`` and ``cancel`` may be sent: not between ``resume`` and ``resumed``."""
    return s.attachment in MAY_SPEAK and not s.cancelled


def _send_timeline(draft: Draft, stop: int) -> None:
    """Send the next frame of audio that ends at or before ``stop``, or the next ``gap``."""
    s = draft.s
    gap = next((gap for gap in s.gaps if gap[1] > s.sent), None)
    if gap is not None and gap[0] <= s.sent:
        # A legacy server is sent silence for a gap: no more of it at once than of audio.
        end = min(stop, gap[1], s.sent + _longest_frame(draft)) if s.legacy else min(stop, gap[1])
        draft.update(sent=end, progress_at=draft.now)
        draft.send(Gap(samples=end - s.sent))
    else:
        end = min(stop, s.sent + _longest_frame(draft), gap[0] if gap else stop)
        draft.update(sent=end, progress_at=draft.now)
        draft.send(AudioSpan(start=s.sent, end=end))


@for_message(Ack)
def trim_ring(draft: Draft, ack: Ack) -> None:
    """Discard the audio that will not have to be sent again.

    This server needs nothing before its ``discard_before``. A new one, if this one is lost, needs what is not
    committed; of that at most ``ring_s`` are retained.
    """
    if ack.moves is not None:
        progress.note_moves(draft, ack.moves)
    s = draft.s
    undecided = max(s.committed, s.sent - s.samples(s.limits.ring_s))
    ring_start = max(s.ring_start, min(ack.discard_before, undecided))
    draft.update(ring_start=ring_start, gaps=tuple(gap for gap in s.gaps if gap[1] > ring_start))


def answered(draft: Draft, message: Flush | Configure | EndInput) -> None:
    """Remove the control message that ``message`` names from the outbox: it has its answer."""
    at = next((n for n, pending in enumerate(draft.s.outbox) if _is_about(pending.message, message)), None)
    if at is not None:
        outbox, outbox_sent = draft.s.outbox, draft.s.outbox_sent
        draft.update(outbox=(*outbox[:at], *outbox[at + 1 :]), outbox_sent=outbox_sent - (at < outbox_sent))


def _is_about(one: Flush | Configure | EndInput, other: Flush | Configure | EndInput) -> bool:
    return type(one) is type(other) and getattr(one, "id", None) == getattr(other, "id", None)


def _longest_frame(draft: Draft) -> int:
    """Return how many samples fit into one binary frame."""
    limits, audio = draft.s.limits, draft.s.config.audio
    room = limits.max_audio_bytes - (HEADER.size if audio.framing == "offset64" else 0)
    return max(1, min(int(limits.max_audio_s * audio.sample_rate), room // audio.frame_bytes))


@for_message(Cancel)
def send_cancel(draft: Draft, message: Cancel) -> None:
    """Send ``cancel``, drop whatever waits in the outbox, and wait for ``closed`` only."""
    draft.attach(AttachmentEvent.CANCEL)
    draft.update(cancelled=True, ended=True, ended_at=draft.now, outbox=(), heard_at=draft.now)
    draft.recover(token=None)
    draft.send(message)


def send_ping(draft: Draft, _: Stimulus) -> None:
    """Send ``ping``, which also acknowledges the durable messages received so far."""
    draft.update(pinged_at=draft.now)
    draft.recover(acked_seq=draft.s.seq)
    draft.send(Ping(t=draft.now, seen=draft.s.seq, resumed=draft.s.recovery.resumed or None))


def report_flush_timeout(draft: Draft, _: Stimulus) -> None:
    """Report the oldest overdue flush (FLUSH_TIMEOUT). The session and the flush stay open."""
    overdue = next(flush for flush in draft.s.flushes if flush.awaited)
    flushes = tuple(flush._replace(awaited=False) if flush is overdue else flush for flush in draft.s.flushes)
    draft.update(flushes=flushes)
    draft.emit(FlushTimedOut(id=overdue.id))


@for_message(Ready)
def open_session(draft: Draft, ready: Ready) -> None:
    """Apply ``ready``: credit, limits, and whether the session can be resumed."""
    offer = ready.resume
    draft.attach(AttachmentEvent.READY if offer is None else AttachmentEvent.READY_RESUMABLE)
    draft.update(
        credit=max(draft.s.credit, ready.credit), limits=draft.s.limits.adopting(ready.limits), ready_at=draft.now
    )
    draft.update(error=None, proven_at=draft.now, progress_at=draft.now, drain_s=None, moves=0)
    draft.update(detects_turns=ready.detects_turns, tells_speakers_apart=ready.tells_speakers_apart)
    draft.recover(
        session=ready.session,
        token=offer.token if offer else None,
        retain_audio=offer is not None,
        lost_at=None,
        resumed_at=draft.now,
        proven=False,
        refusal="",
    )


def note_pong(draft: Draft, _: Stimulus) -> None:
    """The server has answered: the connection carries what we send."""
    progress.note_proof(draft)


@for_message(ErrorMessage)
def store_error(draft: Draft, error: ErrorMessage) -> None:
    """Store a fatal error for the terminal event: it explains the ``closed`` or the loss that follows."""
    wait_ms = error.retry_after_ms
    draft.update(error=(error.code, error.message), retry_after_s=None if wait_ms is None else wait_ms / 1000)


@for_message(Flushed)
def track_flushed(draft: Draft, flushed: Flushed) -> None:
    """Check an answer to a flush (O6), and drop the flush from the outbox."""
    guarantees.check_flushed(draft, flushed)
    answered(draft, Flush(id=flushed.id))


@for_message(Configured)
def track_configured(draft: Draft, configured: Configured) -> None:
    """Check an answer to a change (O7), and drop the change from the outbox."""
    guarantees.check_configured(draft, configured)
    answered(draft, Configure(id=configured.id, set={}))


@for_message(InputEnded)
def track_input_ended(draft: Draft, ended: InputEnded) -> None:
    """Check ``input_ended`` (O8), and drop the end of input from the outbox. Its ``deadline_ms`` is for us too."""
    guarantees.check_input_ended(draft, ended)
    answered(draft, EndInput())
    progress.note_proof(draft)
    draft.update(drain_s=min(ended.deadline_ms / 1000, progress.LONGEST_DRAIN_S) or None)


@for_message(ErrorMessage)
def track_loss(draft: Draft, error: ErrorMessage) -> None:
    """Account for the audio that an error names as lost; an error that names a flush or a change is its answer."""
    guarantees.check_loss(draft, error)
    refused = guarantees.check_refusal(draft, error)
    if refused is not None:
        answered(draft, refused)
