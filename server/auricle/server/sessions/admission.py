"""Admission control: whether the server has capacity for one more session, and the retry delay where it has not."""

from typing import Final

RETRY_AFTER_S: Final = 5.0
"""Retry delay in seconds for a client that is refused because ``max_sessions`` sessions are open."""


def capacity_problem(
    open_sessions: int, max_sessions: int | None, busy_for_s: float | None
) -> tuple[str, float] | None:
    """Return why a new session is refused and its retry delay in seconds, or None where there is capacity.

    ``max_sessions`` None is no limit. ``busy_for_s`` is the engine's own estimate, in seconds, of how long it cannot
    keep up with another session; None where it can.
    """
    if max_sessions is not None and open_sessions >= max_sessions:
        return f"this server has {max_sessions} sessions already", RETRY_AFTER_S
    if busy_for_s is not None:
        return "the engine has as many sessions as it can keep up with", busy_for_s
    return None
