"""What counts as progress, on either side: only what can happen so often, so that nobody can be kept waiting by it."""

from typing import Final

from auricle.core.draft import Draft
from auricle.core.snapshot import Snapshot
from auricle.core.states import Role, State

LONGEST_DRAIN_S: Final = 3600.0
"""Longest time without progress after the end of input that a server can ask for, in seconds."""
LONGEST_QUEUE_S: Final = 3600.0
"""How long a session may wait in the engine's queue without progress of its own, in seconds, however it moves."""
DRAIN_FACTOR: Final = 1.5
"""Seconds allowed for each second of audio that the engine has not processed when the input ends."""


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


def progressed_at(s: Snapshot) -> float:
    """Return when a session last made progress, its own or that of the engine's queue in which it waits.

    A queue that moves is progress for all who wait in it, but not for ever: at most `LONGEST_QUEUE_S` behind its own.
    """
    return max(s.progress_at, min(s.moved_at, s.progress_at + LONGEST_QUEUE_S))


def drain_budget_s(s: Snapshot) -> float:
    """Return how long a server's draining may take without progress, in seconds (F5).

    That is what the limits allow for this session's own audio, and what the engine needs to come to it.
    """
    return s.limits.drain_timeout_s + DRAIN_FACTOR * s.seconds(s.received - s.processed) + s.engine_s


def note_moves(draft: Draft, moves: int) -> None:
    """Client: the server says how often its queue has moved. The same number again is a keepalive, and no progress."""
    if moves > draft.s.moves:
        draft.update(moves=moves, moved_at=draft.now)


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
