"""What the rules of a client do."""

from auricle.core import endings
from auricle.core.draft import Draft
from auricle.core.errors import BacklogFull
from auricle.core.events import FlushTimedOut
from auricle.core.guarantees import remember
from auricle.core.messages import Cancel, Closed, EndInput, ErrorMessage, Flush, Ping, Ready
from auricle.core.outputs import AudioSpan
from auricle.core.snapshot import OpenFlush, Pending
from auricle.core.stimuli import Hear, Lose, Say, Stimulus


def greet(draft: Draft, _: Stimulus) -> None:
    """The transport is open: say ``start`` at once; audio may follow up to the pre-buffer, before ``ready``."""
    s = draft.s
    draft.update(attached=True, started=True, opened_at=draft.now, heard_at=draft.now)
    draft.update(credit=s.samples(s.limits.prebuffer_s))
    draft.send(s.config)


def offer_audio(draft: Draft, stimulus: Stimulus) -> None:
    """Take audio from the application; what credit does not allow yet waits, within ``backlog_s``."""
    assert isinstance(stimulus, Say)
    span = stimulus.message
    assert isinstance(span, AudioSpan)
    s = draft.s
    if s.offered - s.carried >= s.samples(s.limits.backlog_s):
        raise BacklogFull(
            f"{s.seconds(s.offered - s.carried):.1f} s of audio wait for the server already; "
            "offer more when there is room"
        )
    draft.update(offered=s.offered + span.end - span.start, residue=span.residue)


def ask_flush(draft: Draft, stimulus: Stimulus) -> None:
    """F19: a flush never overtakes audio. It waits until everything offered before it has been sent."""
    assert isinstance(stimulus, Say)
    flush = stimulus.message
    assert isinstance(flush, Flush)
    s = draft.s
    if len(s.flushes) >= s.limits.max_flushes_pending:
        raise BacklogFull(f"{len(s.flushes)} flushes wait for their answers already")
    at = s.offered if flush.at is None else flush.at
    asked = OpenFlush(id=flush.id, at=at, segment=s.segment, since=draft.now)
    message = Flush(id=flush.id, at=at, end_turn=flush.end_turn)
    draft.update(flushes=(*s.flushes, asked), outbox=(*s.outbox, Pending(at=at, message=message)))


def ask_end(draft: Draft, _: Stimulus) -> None:
    """The end of input waits behind all audio; ``total`` says how much that is."""
    s = draft.s
    end = Pending(at=s.offered, message=EndInput(total=s.offered))
    draft.update(ended=True, ended_at=draft.now, outbox=(*s.outbox, end))


def pump(draft: Draft, _: Stimulus) -> None:
    """Send what credit allows, audio and control messages in the order they were given."""
    while draft.s.started and draft.s.attached and not draft.s.cancelled:
        s = draft.s
        head = s.outbox[0] if s.outbox else None
        stop = min(s.credit, s.offered, head.at if head else s.offered)
        if s.carried < stop:
            end = min(stop, s.carried + _longest_frame(draft))
            draft.update(carried=end)
            draft.send(AudioSpan(start=s.carried, end=end))
        elif head is not None and head.at <= s.carried:
            if isinstance(head.message, EndInput) and s.residue:
                # Half a sample frame is nothing we can count: the server gets it and says odd_bytes_dropped.
                draft.send(AudioSpan(start=s.carried, end=s.carried, residue=s.residue))
                draft.update(residue=0)
            draft.update(outbox=s.outbox[1:])
            draft.send(head.message)
        else:
            return


def _longest_frame(draft: Draft) -> int:
    """Return how many samples fit into one binary frame."""
    s = draft.s
    return max(1, min(s.samples(s.limits.max_audio_s), s.limits.max_audio_bytes // s.config.audio.frame_bytes))


def say_cancel(draft: Draft, stimulus: Stimulus) -> None:
    """Stop now; only ``closed`` is waited for."""
    assert isinstance(stimulus, Say)
    message = stimulus.message
    assert isinstance(message, Cancel)
    draft.update(cancelled=True, ended=True, ended_at=draft.now, outbox=(), heard_at=draft.now)
    draft.send(message)


def say_ping(draft: Draft, _: Stimulus) -> None:
    """A sign of life that wants one back."""
    draft.update(pinged_at=draft.now)
    draft.send(Ping(t=draft.now))


def give_up_flush(draft: Draft, _: Stimulus) -> None:
    """FLUSH_TIMEOUT: a typed event; the session stays, and so does the flush until it is answered."""
    overdue = next(flush for flush in draft.s.flushes if flush.asked)
    told = tuple(flush._replace(asked=False) if flush is overdue else flush for flush in draft.s.flushes)
    draft.update(flushes=told)
    draft.emit(FlushTimedOut(id=overdue.id))


def open_session(draft: Draft, stimulus: Stimulus) -> None:
    """``ready``: the credit counts from now."""
    assert isinstance(stimulus, Hear)
    ready = stimulus.message
    assert isinstance(ready, Ready)
    draft.update(credit=max(draft.s.credit, ready.credit))


def remember_error(draft: Draft, stimulus: Stimulus) -> None:
    """A fatal error explains the ``closed`` that follows it, or the loss that comes instead."""
    assert isinstance(stimulus, Hear)
    error = stimulus.message
    assert isinstance(error, ErrorMessage)
    draft.update(error=(error.code, error.message))


def conclude(draft: Draft, stimulus: Stimulus) -> None:
    """``closed`` has come: the terminal event."""
    assert isinstance(stimulus, Hear)
    closed = stimulus.message
    assert isinstance(closed, Closed)
    endings.conclude(draft, closed)


def abandon(draft: Draft, _: Stimulus) -> None:
    """The application leaves."""
    endings.abandon(draft)


def lose(draft: Draft, stimulus: Stimulus) -> None:
    """The transport is gone."""
    assert isinstance(stimulus, Lose)
    endings.lose(draft, stimulus)


def refused_flush(draft: Draft, stimulus: Stimulus) -> None:
    """An error that names a flush is its answer."""
    match stimulus:
        case Hear(message=ErrorMessage(ref=ref)) if ref is not None:
            left = tuple(flush for flush in draft.s.flushes if flush.id != ref)
            if left != draft.s.flushes:
                draft.update(flushes=left, answered=remember(draft.s, ref))
        case _:
            pass
