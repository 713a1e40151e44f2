"""Faults planted into the attachment's table: for each kind of row, one that leads astray. `mutants.TABLE` has them."""

import pytest

from auricle.core import Role
from auricle.core.outcomes import Barred, Move
from auricle.core.rules.attachment import MOVES
from auricle.core.states import Attachment, AttachmentEvent

Patch = pytest.MonkeyPatch


def moves_to(patch: Patch, role: Role, event: AttachmentEvent, before: Attachment, after: Attachment | None) -> None:
    """Let an event lead an attachment elsewhere; None: bar it."""
    outcome = Barred("a fault is planted") if after is None else Move(after, "a fault is planted")
    patch.setitem(MOVES[role][event], before, outcome)  # type: ignore[arg-type]


def resumable_without_an_offer(patch: Patch) -> None:
    """A client that has been restarted counts on resuming, though its new server declines."""
    moves_to(patch, Role.CLIENT, AttachmentEvent.READY, Attachment.STARTING_AGAIN, Attachment.RESUMABLE)


def reconnects_without_a_token(patch: Patch) -> None:
    """A session that ends with its transport is tried again all the same."""
    moves_to(patch, Role.CLIENT, AttachmentEvent.RECONNECT, Attachment.ATTACHED, Attachment.REOPENING)


def cancels_and_comes_back(patch: Patch) -> None:
    """A client that has cancelled goes on asking for its session."""
    moves_to(patch, Role.CLIENT, AttachmentEvent.CANCEL, Attachment.RESUMABLE, Attachment.RESUMABLE)


def gives_up_what_is_gone(patch: Patch) -> None:
    """A session that its server has lost is not begun anew."""
    moves_to(patch, Role.CLIENT, AttachmentEvent.RESTART, Attachment.GATED, None)


def gives_up_a_second_start(patch: Patch) -> None:
    """A session that is begun anew ends where that connection breaks."""
    moves_to(patch, Role.CLIENT, AttachmentEvent.RECONNECT, Attachment.STARTING_AGAIN, None)


def hangs_up_on_whom_it_lets_go(patch: Patch) -> None:
    """A server that voids the token of a closing session drops its transport before its queue is written."""
    moves_to(patch, Role.SERVER, AttachmentEvent.REVOKE, Attachment.RESUMABLE, Attachment.DETACHED)


def end_lost_with_the_transport(patch: Patch) -> None:
    """A session that has ended cannot be resumed to learn so, if its transport is lost before ``closed`` arrives."""
    moves_to(patch, Role.SERVER, AttachmentEvent.END, Attachment.RESUMABLE, Attachment.ATTACHED)


def older_transport_is_kept(patch: Patch) -> None:
    """A client that comes back before its server has noticed the loss is not let in."""
    moves_to(patch, Role.SERVER, AttachmentEvent.ATTACH, Attachment.RESUMABLE, None)
