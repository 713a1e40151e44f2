"""How a client gets its session back: a new transport, ``resume``, or a new session that goes on where the old one was.

Source: notes/wire-protocols.md §3.7. The server's ``next`` is authoritative; nothing is sent before it is known.
"""

from dataclasses import replace

from auricle.core import endings
from auricle.core.draft import Draft
from auricle.core.effect_function import for_message
from auricle.core.errors import ABNORMAL_CLOSURE, Breach
from auricle.core.events import Interrupted, Restarted
from auricle.core.guarantees import FRESH
from auricle.core.messages import EndInput, Resume, Resumed
from auricle.core.outputs import AbortTransport, OpenTransport
from auricle.core.recovery import Past, reconnect_delay_s
from auricle.core.snapshot import Pending, Snapshot
from auricle.core.stimuli import Lose, Stimulus


def interrupt(draft: Draft, stimulus: Stimulus) -> None:
    """The transport is gone and the session is not: ask for another one, the sooner the fewer have failed."""
    if isinstance(stimulus, Lose):
        _ask_again(draft, stimulus.code, endings.loss_sentence(stimulus))
    else:
        _ask_again(draft, ABNORMAL_CLOSURE, "The connection went silent.")


def _ask_again(draft: Draft, code: int, message: str) -> None:
    s, r = draft.s, draft.s.recovery
    delay_s = max(reconnect_delay_s(s.limits, r.seed, r.attempt), s.retry_after_s or 0.0)
    newly_lost = r.lost_at is None
    # What counts is how long there has been no transport at all; how often one was made and lost is counted by attempt.
    lost_at = draft.now if r.lost_at is None or s.attached else r.lost_at
    draft.update(attached=False, error=None, retry_after_s=None)
    draft.recover(
        resuming=False,
        lost_at=lost_at,
        attempt=r.attempt + 1,
        transports=r.transports + 1,
        reopen_at=draft.now + delay_s,
    )
    draft.outputs.append(OpenTransport(not_before=draft.now + delay_s))
    if newly_lost:
        draft.emit(Interrupted(code=code, message=message))


def retry(draft: Draft, stimulus: Stimulus) -> None:
    """The transport leads nowhere: drop it and ask for another."""
    draft.outputs.append(AbortTransport())
    interrupt(draft, stimulus)


def note_silence(draft: Draft, _: Stimulus) -> None:
    """A silence may be the network's fault once. Without any news in between, the second one is the server's."""
    draft.recover(silence_seq=draft.s.seq)


def reset_backoff(draft: Draft, _: Stimulus) -> None:
    """The session has been well for ``reconnect_reset_s``: what went wrong before does not count any more."""
    draft.recover(attempt=0)


def send_resume(draft: Draft, _: Stimulus) -> None:
    """A transport is open again: say ``resume`` first, and nothing else until ``resumed``."""
    s, r = draft.s, draft.s.recovery
    assert r.token is not None, "without a token there is nothing to resume"
    draft.update(attached=True, heard_at=draft.now)
    draft.recover(resuming=True)
    draft.send(Resume(session=r.session, token=r.token, seen=s.seq, sent=s.sent, attempt=r.transports))


@for_message(Resumed)
def apply_resumed(draft: Draft, resumed: Resumed) -> None:
    """The server tells from which sample it wants audio again; what we believed to have sent does not count."""
    s = draft.s
    if resumed.session != s.recovery.session:
        raise Breach("protocol_violation", f"resumed is about session {resumed.session!r}, not {s.recovery.session!r}")
    if not max(s.ring_start, s.received) <= resumed.next <= s.sent:
        why = f"the server wants audio from {resumed.next}, which is not between {s.received} and {s.sent}"
        raise Breach("protocol_violation", why)
    if resumed.credit < s.credit:
        raise Breach("protocol_violation", "O12: credit went back")
    # Partials that were said meanwhile are not said again: the next one may well be what was heard last.
    draft.update(
        sent=resumed.next,
        received=resumed.next,
        credit=resumed.credit,
        outbox_sent=0,
        partial=None,
        pinged_at=draft.now,
    )
    draft.recover(resuming=False, token=resumed.token, lost_at=None, resumed_at=draft.now)


def restart(draft: Draft, _: Stimulus) -> None:
    """The server cannot take the session up: begin a new one where the old one was committed, and send from there.

    What was sent, not decided, and is not kept any more is lost, and said to be.
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
        config=replace(s.config, timeline_origin=origin or None, segment_origin=s.segment or None),
        origin=origin, sent=origin, received=origin, processed=origin, committed=origin, credit=origin,
        started=False, seq=0, outbox_sent=0, outbox=_outbox(s),
        non_speech=0, gap=gap, dropped=0, late=0, failures=0, speaking_since=None, speech_at=origin, error=None,
        **FRESH,
    )  # fmt: skip
    draft.recover(
        session="", token=None, resuming=False, silence_seq=None, acked_seq=0, restarts=s.recovery.restarts + 1
    )
    draft.outputs.append(AbortTransport())
    draft.emit(Restarted(origin_sample=origin, lost_samples=lost))
    _ask_again(draft, ABNORMAL_CLOSURE, "The server no longer knows the session.")


def _gap_samples(s: Snapshot, origin: int) -> int:
    return sum(max(0, end - max(start, origin)) for start, end in s.gaps)


def _outbox(s: Snapshot) -> tuple[Pending, ...]:
    """What is unanswered is asked again, and the end of input said again, also where it had been answered."""
    if not s.ended or any(isinstance(pending.message, EndInput) for pending in s.outbox):
        return s.outbox
    return (*s.outbox, Pending(at=s.offered, message=EndInput(total=s.offered)))
