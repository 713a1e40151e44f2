"""What counts as progress, on either side: only what can happen so often, so that nobody can be kept waiting by it."""

from auricle.core.draft import Draft
from auricle.core.snapshot import Snapshot
from auricle.core.states import Role, State


def has_moved(before: Snapshot, after: Snapshot) -> bool:
    """Whether a watermark moved, or something that was asked has been answered.

    Watermarks are bounded by the audio, answers by the questions. An ``ack`` that repeats itself, partials, keepalives
    and warnings are no progress, however many come (failure mode F5).
    """
    return (
        (after.processed, after.committed, after.credit) != (before.processed, before.committed, before.credit)
        or _is_answered(before, after)
        or after.state is not before.state
    )


def _is_answered(before: Snapshot, after: Snapshot) -> bool:
    """Whether a flush or a change has been answered."""
    return len(after.flushes) + len(after.changes) < len(before.flushes) + len(before.changes)


def note_news(draft: Draft, before: Snapshot) -> None:
    """Client: note what a message of the server has shown since ``before``, progress or that it hears us.

    A server hears nothing from its client that says how its engine fares.
    """
    s = draft.s
    if s.role is Role.SERVER or s.state is State.CLOSED:
        return
    if s.received > before.received or _is_answered(before, s):
        note_proof(draft)
    if has_moved(before, s):
        draft.update(progress_at=draft.now)


def note_proof(draft: Draft) -> None:
    """Client: the server hears us."""
    draft.update(proven_at=draft.now)
    if not draft.s.recovery.proven:
        draft.recover(proven=True)
