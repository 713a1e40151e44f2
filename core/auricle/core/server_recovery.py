"""How a server keeps a session for a client whose connection is gone. Source: notes/wire-protocols.md §3.7."""

from hmac import compare_digest

from auricle.core.draft import Draft
from auricle.core.effect_function import for_stimulus
from auricle.core.errors import ERROR_CODES, Breach
from auricle.core.events import Disconnected, Reconnected
from auricle.core.messages import Resume, Resumed
from auricle.core.outputs import AdoptTransport, CloseTransport, Forget, Replay
from auricle.core.snapshot import Snapshot
from auricle.core.states import State
from auricle.core.stimuli import Attach, Stimulus


def admits(s: Snapshot, resume: Resume) -> bool:
    """Whether a ``resume`` is this session's client: a token that is good, and counts that are possible."""
    r = s.recovery
    tokens = [token for token in (r.token, r.previous_token) if token is not None]
    return (
        resume.session == r.session
        and any(compare_digest(resume.token.encode(), token.encode()) for token in tokens)
        # What a network held back may come after what the client sent later: the later connection is the good one.
        and (resume.attempt == 0 or resume.attempt > r.transports)
        and resume.seen <= s.seq
        and resume.sent >= s.received
        and (s.state is not State.CLOSED or is_retained(s))
    )


def is_retained(s: Snapshot) -> bool:
    """Whether a closed session may still be asked how it ended."""
    return s.recovery.retained or (s.attached and s.recovery.token is not None)


def await_resume(draft: Draft, _: Stimulus) -> None:
    """The client is gone and may come back within ``resume_window_s``; the engine's work goes on meanwhile."""
    draft.update(attached=False, ack_owed=False)
    draft.recover(lost_at=draft.now)
    draft.emit(Disconnected())


@for_stimulus(Attach)
def accept_resume(draft: Draft, stimulus: Attach) -> None:
    """Adopt the new transport, tell where we are, and send again every durable message that did not arrive."""
    resume, s = stimulus.resume, draft.s
    if not admits(s, resume):
        raise Breach("session_gone", "the token is not this session's")
    if s.attached:
        # "An old socket still attached is closed 4409 superseded."
        draft.outputs.append(CloseTransport(code=ERROR_CODES["superseded"].close_code, reason="superseded"))
    draft.outputs.append(AdoptTransport())
    # Audio that came too late is sent again by a client that does not know yet that its input has ended.
    late = s.late if 0 < s.ended_seq <= resume.seen else 0
    # A partial that was said while nobody was there is worth repeating.
    draft.update(attached=True, heard_at=draft.now, residue=0, late=late, partial=None, ack_owed=False, flush_times=())
    draft.recover(
        token=stimulus.fresh, previous_token=resume.token, transports=resume.attempt, lost_at=None, retained=False
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
    """Tell the application. Not that of a session whose terminal event has been given: that one is the last."""
    draft.emit(Reconnected())


def close_transport_again(draft: Draft, _: Stimulus) -> None:
    """The end has been told (again): what is left is the closing handshake."""
    closed = draft.s.closed
    assert closed is not None
    draft.close_transport(closed.code, closed.error or closed.reason)


def revoke_tokens(draft: Draft, _: Stimulus) -> None:
    """The server goes away: what it keeps for later is of no use to anybody."""
    draft.recover(token=None, previous_token=None)


def retain(draft: Draft, _: Stimulus) -> None:
    """Keep how it ended for ``resume_window_s``: a connection that breaks during the drain loses nothing."""
    draft.update(attached=False)
    draft.recover(retained=True, lost_at=draft.now)


def release(draft: Draft, _: Stimulus) -> None:
    """Nobody has asked how it ended."""
    draft.recover(retained=False, lost_at=None)
