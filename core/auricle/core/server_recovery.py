"""How a server retains a session whose transport is lost, and resumes it. Source: notes/wire-protocols.md §3.7."""

from hmac import compare_digest

from auricle.core.draft import Draft
from auricle.core.effect_function import for_stimulus
from auricle.core.errors import ERROR_CODES, Breach
from auricle.core.events import Disconnected, Reconnected
from auricle.core.messages import Resume, Resumed
from auricle.core.outputs import AdoptTransport, CloseTransport, Forget, Replay
from auricle.core.rules.attachment import may
from auricle.core.snapshot import Snapshot
from auricle.core.states import AttachmentEvent
from auricle.core.stimuli import Attach, Stimulus


def admits(s: Snapshot, resume: Resume) -> bool:
    """Whether a ``resume`` is valid for this session: id, token (compared in constant time), attempt and counts."""
    r = s.recovery
    tokens = [token for token in (r.token, r.previous_token) if token is not None]
    return (
        resume.session == r.session
        and any(compare_digest(resume.token.encode(), token.encode()) for token in tokens)
        # The network may deliver an older connection's resume late: only a newer attempt may take the session over.
        and (resume.attempt == 0 or resume.attempt > r.transports)
        and resume.seen <= s.seq
        and resume.sent >= s.received
        and may(s.role, s.attachment, AttachmentEvent.ATTACH)
    )


def await_resume(draft: Draft, _: Stimulus) -> None:
    """The transport is lost: retain the session for ``resume_window_s``. The engine's work goes on."""
    draft.attach(AttachmentEvent.HOLD)
    draft.update(ack_owed=False)
    draft.recover(lost_at=draft.now)
    draft.emit(Disconnected())


@for_stimulus(Attach)
def accept_resume(draft: Draft, stimulus: Attach) -> None:
    """Adopt the new transport, send ``resumed``, and replay every durable message that the client does not have.

    Raises `Breach` unless `admits`.
    """
    resume, s = stimulus.resume, draft.s
    if not admits(s, resume):
        raise Breach("session_gone", "the token is not this session's")
    if s.attached:
        # "An old socket still attached is closed 4409 superseded."
        draft.outputs.append(CloseTransport(code=ERROR_CODES["superseded"].close_code, reason="superseded"))
    draft.outputs.append(AdoptTransport())
    # A client that has not received input_ended will send its late audio again.
    late = s.late if 0 < s.ended_seq <= resume.seen else 0
    # A partial from the time without a transport was not sent: the next one may repeat it.
    draft.attach(AttachmentEvent.ATTACH)
    draft.update(heard_at=draft.now, residue=0, late=late, partial=None, ack_owed=False, flush_times=())
    draft.recover(
        resumed=True,
        token=stimulus.fresh,
        previous_token=resume.token,
        transports=resume.attempt,
        lost_at=None,
    )
    draft.send(
        Resumed(
            session=s.recovery.session,
            next=s.received,
            state=s.state.value,  # type: ignore[arg-type]  # connecting is excluded: it has no token
            credit=s.credit,
            token=stimulus.fresh,
        )
    )
    draft.outputs.append(Forget(seq=resume.seen))
    draft.outputs.append(Replay(seq=resume.seen))


def emit_reconnected(draft: Draft, _: Stimulus) -> None:
    """Emit `Reconnected`. Not after the terminal event, which is the last."""
    draft.emit(Reconnected())


def close_transport_again(draft: Draft, _: Stimulus) -> None:
    """Start the closing handshake on the new transport, after ``closed`` has been replayed on it."""
    closed = draft.s.closed
    assert closed is not None
    draft.close_transport(closed.code, closed.error or closed.reason)


def revoke_tokens(draft: Draft, _: Stimulus) -> None:
    """Void the tokens, because the server is stopping: the session can no longer be resumed."""
    draft.attach(AttachmentEvent.REVOKE)
    draft.recover(token=None, previous_token=None)


def retain(draft: Draft, _: Stimulus) -> None:
    """Retain the closed session for ``resume_window_s``, as ``closed`` may not have arrived."""
    draft.attach(AttachmentEvent.HOLD)
    draft.recover(lost_at=draft.now)


def release(draft: Draft, _: Stimulus) -> None:
    """Drop the closed session: it was not resumed in time."""
    draft.attach(AttachmentEvent.DETACH)
    draft.recover(lost_at=None)
