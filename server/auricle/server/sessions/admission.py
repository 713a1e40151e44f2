"""Admission control: whether the server takes one more session, and the retry delay where it does not."""

from typing import Final, Literal, NamedTuple

from auricle.engines.actor import EngineActor
from auricle.server.keys.access import Denied
from auricle.server.keys.usage import Excess

RETRY_AFTER_S: Final = 5.0
"""Retry delay in seconds for a client that is refused, where nobody knows better."""


RefusalReason = Literal[
    "sessions", "peer", "engine_busy", "engine_unavailable", "unknown_model", "forbidden", "not_found",
    "unauthorized", "rate_limited", "key_limits",
]  # fmt: skip
"""Why somebody is refused, for those who watch; clients are told an error code."""


class Refusal(NamedTuple):
    """Why a new session is refused."""

    reason: RefusalReason
    code: str
    """A key of `ERROR_CODES`."""
    why: str
    """A clause for people."""
    retry_after_s: float


def reason_of_denial(code: str) -> RefusalReason:
    """Return the reason for an error code with which a key, or a request without one, is denied."""
    match code:
        case "unauthorized" | "forbidden" | "rate_limited":
            return code
        case _:
            return "key_limits"


def key_refusal(denied: Denied | None, excess: Excess | None) -> Refusal | None:
    """Return why a key gets no session now, or None where it does: it is denied, or has as much as it may have."""
    if denied is not None:
        reason = reason_of_denial(denied.code)
        return Refusal(reason, denied.code, denied.message.rstrip("."), denied.retry_after_s or 0.0)
    return None if excess is None else Refusal("key_limits", "capacity", excess.why, excess.retry_after_s)


def no_place(open_sessions: int, max_sessions: int | None, peer_problem: str | None) -> Refusal | None:
    """Return why there is no place for a new session, or None where there is. ``max_sessions`` None is no limit.

    ``peer_problem`` is a clause, where it is its peer that has too many.
    """
    if peer_problem is not None:
        return Refusal("peer", "capacity", peer_problem, RETRY_AFTER_S)
    if max_sessions is not None and open_sessions >= max_sessions:
        return Refusal("sessions", "capacity", f"this server has {max_sessions} sessions already", RETRY_AFTER_S)
    return None


def engine_refusal(actor: EngineActor) -> Refusal | None:
    """Return why an engine cannot take a new session, or None where it can. Trouble counts only where it lasts."""
    trouble, busy_for_s = actor.trouble, actor.busy_for_s
    if trouble is not None and trouble.lasting:
        return Refusal("engine_unavailable", "engine_unavailable", trouble.why.rstrip("."), RETRY_AFTER_S)
    if busy_for_s is not None:
        return Refusal("engine_busy", "capacity", "the engine has as many sessions as it can keep up with", busy_for_s)
    return None
