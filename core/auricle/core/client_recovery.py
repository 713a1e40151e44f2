"""How a client recovers its session: a new transport and ``resume``, or a new session from the last committed sample.

Source: notes/wire-protocols.md §3.7. The server's ``next`` is authoritative; nothing is sent before it is known.
"""

from dataclasses import replace

from auricle.core import endings
from auricle.core.draft import Draft
from auricle.core.effect_function import for_message
from auricle.core.errors import ABNORMAL_CLOSURE, Breach
from auricle.core.events import Interrupted, Restarted
from auricle.core.guarantees import FRESH
from auricle.core.messages import Closed, EndInput, Resume, Resumed
from auricle.core.outputs import AbortTransport, OpenTransport
from auricle.core.recovery import Past, backoff_delay_s
from auricle.core.snapshot import Pending, Snapshot
from auricle.core.states import Attachment, AttachmentEvent
from auricle.core.stimuli import Hear, Lose, Stimulus
from auricle.core.turn import Turn


def interrupt(draft: Draft, stimulus: Stimulus) -> None:
    """The transport is lost, the session goes on: request another one, after the backoff delay."""
    if isinstance(stimulus, Lose):
        _request_transport(draft, stimulus.code, endings.loss_sentence(stimulus))
    else:
        _request_transport(draft, ABNORMAL_CLOSURE, "The connection went silent.")


def _request_transport(draft: Draft, code: int, message: str) -> None:
    s, r = draft.s, draft.s.recovery
    delay_s = max(backoff_delay_s(s.limits, r.seed, r.attempt), s.retry_after_s or 0.0)
    newly_lost = s.attachment is Attachment.RESUMABLE
    # The reconnect timeout counts the time without any transport; how often one was made and lost, `attempt` counts.
    lost_at = draft.now if s.attached else r.lost_at
    draft.attach(AttachmentEvent.RECONNECT)
    draft.update(error=None, retry_after_s=None)
    draft.recover(
        resumed=False,
        lost_at=lost_at,
        attempt=r.attempt + 1,
        transports=r.transports + 1,
        reopen_at=draft.now + delay_s,
    )
    draft.outputs.append(OpenTransport(not_before=draft.now + delay_s))
    if newly_lost:
        draft.emit(Interrupted(code=code, message=message))


def retry(draft: Draft, stimulus: Stimulus) -> None:
    """Abort a transport that does not answer, and request another one."""
    draft.outputs.append(AbortTransport())
    interrupt(draft, stimulus)


def open_again(draft: Draft, stimulus: Stimulus) -> None:
    """No server has been ready yet: try another connection, and say ``start`` again on it, with all there is.

    Not before the delay that a server has told. The application is not told: there is no session yet to interrupt.
    """
    s, r = draft.s, draft.s.recovery
    match stimulus:
        case Lose():
            refusal = endings.loss_clause(stimulus)
        case Hear(message=Closed()) if s.error is not None:
            refusal = s.error[1]
            draft.outputs.append(AbortTransport())
        case _:
            raise AssertionError(stimulus)
    reopen_at = draft.now + (s.retry_after_s or 0.0) + backoff_delay_s(s.limits, r.seed, r.attempt)
    # What a server has said explains the end, if none takes the session; `ready` makes it void.
    draft.attach(AttachmentEvent.OPEN_AGAIN)
    draft.update(error=None if isinstance(stimulus, Lose) else s.error, retry_after_s=None)
    draft.recover(refusal=refusal, attempt=r.attempt + 1, transports=r.transports + 1, reopen_at=reopen_at)
    draft.outputs.append(OpenTransport(not_before=reopen_at))


def reset_backoff(draft: Draft, _: Stimulus) -> None:
    """Start the next reconnect with the first delay: nothing has failed for ``reconnect_reset_s``."""
    draft.recover(attempt=0)


def send_resume(draft: Draft, _: Stimulus) -> None:
    """A new transport is open: send ``resume``; everything else waits for ``resumed``."""
    s, r = draft.s, draft.s.recovery
    assert r.token is not None, "a session that is reopening has the token that made it resumable"
    draft.attach(AttachmentEvent.SAY_RESUME)
    draft.update(opened_at=draft.now, heard_at=draft.now)
    draft.send(Resume(session=r.session, token=r.token, seen=s.seq, sent=s.sent, attempt=r.transports))


@for_message(Resumed)
def apply_resumed(draft: Draft, resumed: Resumed) -> None:
    """Continue from the sample that the server names in ``resumed``, whatever had been sent before.

    Raises `Breach` where the server names another session, a sample that is not retained, or less credit.
    """
    s = draft.s
    if resumed.session != s.recovery.session:
        raise Breach("protocol_violation", f"resumed is about session {resumed.session!r}, not {s.recovery.session!r}")
    if not max(s.ring_start, s.received) <= resumed.next <= s.sent:
        why = f"the server wants audio from {resumed.next}, which is not between {s.received} and {s.sent}"
        raise Breach("protocol_violation", why)
    if resumed.credit < s.credit:
        raise Breach("protocol_violation", "O12: credit went back")
    # Partials sent meanwhile are not repeated: the next one may equal the last one received.
    away_s = draft.now - s.recovery.lost_at if s.recovery.lost_at is not None else 0.0
    draft.update(
        sent=resumed.next,
        received=resumed.next,
        credit=resumed.credit,
        outbox_sent=0,
        partial=None,
        pinged_at=draft.now,
        proven_at=draft.now,
        progress_at=s.progress_at + away_s,
        moved_at=s.moved_at + away_s,
        ended_at=s.ended_at + away_s,
    )
    draft.attach(AttachmentEvent.RESUMED)
    draft.recover(resumed=True, token=resumed.token, lost_at=None, resumed_at=draft.now, proven=False)


def restart(draft: Draft, _: Stimulus) -> None:
    """The server no longer has the session: start a new one at the last committed sample, and send again from there.

    Audio that was sent, not committed, and is no longer retained is lost; `Restarted` reports how much.
    """
    s = draft.s
    origin = max(s.committed, s.ring_start)
    lost = origin - s.committed
    gap = _gap_samples(s, origin)
    draft.update(
        past=Past(
            non_speech=s.past.non_speech + s.non_speech,
            gap=s.past.gap + s.gap - gap,
            dropped=s.past.dropped + s.dropped + lost,
            late=s.past.late + s.late,
        ),
        config=replace(
            s.config,
            timeline_origin=origin or None,
            segment_origin=s.segment or None,
            turn_origin=s.turn.number or None,
        ),
        turn=Turn(number=s.turn.number, first=s.segment, spoken_until=origin, at=origin),
        origin=origin, sent=origin, received=origin, processed=origin, committed=origin, credit=origin,
        started=False, seq=0, outbox_sent=0, outbox=_outbox(s),
        non_speech=0, gap=gap, dropped=0, late=0, failures=0, speaking_since=None, speech_at=origin, error=None,
        **FRESH,
    )  # fmt: skip
    draft.attach(AttachmentEvent.RESTART)
    draft.recover(session="", token=None, lost_at=draft.now, proven=False, acked_seq=0)
    draft.outputs.append(AbortTransport())
    draft.emit(Restarted(origin_sample=origin, lost_samples=lost))
    _request_transport(draft, ABNORMAL_CLOSURE, "The server no longer knows the session.")


def _gap_samples(s: Snapshot, origin: int) -> int:
    return sum(max(0, end - max(start, origin)) for start, end in s.gaps)


def _outbox(s: Snapshot) -> tuple[Pending, ...]:
    """Return what is to be sent again: all that is unanswered, and the end of input even where it was answered."""
    if not s.ended or any(isinstance(pending.message, EndInput) for pending in s.outbox):
        return s.outbox
    return (*s.outbox, Pending(at=s.offered, message=EndInput(total=s.offered)))
