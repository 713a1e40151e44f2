"""Admission control: whether the server takes one more session, and the retry delay where it does not."""

from typing import Final, NamedTuple

from auricle.engines.supervised import EngineTrouble

RETRY_AFTER_S: Final = 5.0
"""Retry delay in seconds for a client that is refused, where nobody knows better."""


class Refusal(NamedTuple):
    """Why a new session is refused."""

    code: str
    """A key of `ERROR_CODES`."""
    why: str
    """A clause for people."""
    retry_after_s: float


def refusal(
    open_sessions: int, max_sessions: int | None, busy_for_s: float | None, trouble: EngineTrouble | None
) -> Refusal | None:
    """Return why a new session is refused, or None where it is admitted.

    ``max_sessions`` None is no limit. ``busy_for_s`` is the engine's own estimate, in seconds, of how long it cannot
    keep up with another session; None where it can. ``trouble`` is what keeps the engine from answering; a session is
    refused only where that lasts.
    """
    if trouble is not None and trouble.lasting:
        return Refusal("engine_unavailable", trouble.why.rstrip("."), RETRY_AFTER_S)
    if max_sessions is not None and open_sessions >= max_sessions:
        return Refusal("capacity", f"this server has {max_sessions} sessions already", RETRY_AFTER_S)
    if busy_for_s is not None:
        return Refusal("capacity", "the engine has as many sessions as it can keep up with", busy_for_s)
    return None
