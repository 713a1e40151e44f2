"""How a session ended, as an `APIError` of the framework, which says whether another attempt may help.

No message contains a key, and no exception has a cause that could.
"""

from collections.abc import Sequence
from typing import Final

from livekit.agents import APIConnectionError, APIError, APIStatusError, APITimeoutError
from livekit.plugins.auricle.redaction import redact

from auricle.core import ERROR_CODES, ErrorMessage, SessionClosed

RETRYABLE_4XX: Final = frozenset({408, 429, 499})
"""The statuses 4xx that `APIStatusError` allows to be retryable."""

AWAY: Final = frozenset(
    {None, "capacity", "shutdown", "idle", "session_gone", "connect_timeout", "ready_timeout", "silence"}
)
"""Error codes of a server that may serve another session, now or later; None: nobody said a code."""


def session_error(closed: SessionClosed, secrets: Sequence[str] = (), *, opened: bool) -> APIError:
    """Return the error for a session that ended before its input did, or without all of its finals.

    ``opened``: whether the server had sent ``ready``. If so, it had accepted the options, and a protocol violation
    after that does not speak against another session.
    """
    message = redact(secrets, f"Auricle: {closed.message}")
    if closed.reason == "timeout":
        return APITimeoutError(message, retryable=closed.retriable)
    if closed.reason in ("completed", "shutdown", "session_limit", "idle", "cancelled"):
        # Nothing was wrong with the request: another session may serve it.
        return APIConnectionError(message, retryable=True)
    if closed.reason == "violation" and opened:
        return APIConnectionError(message, retryable=True)
    status = _status(closed)
    if status is None and closed.reason == "lost":
        # Also where the close code was 1000, without a message: a proxy on the way may have sent it.
        return APIConnectionError(message, retryable=True)
    if status is None or (closed.retriable and 400 <= status < 500 and status not in RETRYABLE_4XX):
        return APIConnectionError(message, retryable=closed.retriable)
    return APIStatusError(message, status_code=status, retryable=closed.retriable)


def server_is_away(closed: SessionClosed) -> bool:
    """Return whether a session ended because its server is gone or leaves, so that it may come back.

    Nothing speaks against the request then, nor against the engine.
    """
    went = ("lost", "timeout", "shutdown", "session_limit", "idle", "error")
    return closed.reason in went and closed.error in AWAY and session_error(closed, opened=True).retryable


def fail_over_error(closed: SessionClosed, secrets: Sequence[str] = ()) -> APIError:
    """Return the error for a server that is away where another STT stands by: no further attempt is wanted."""
    return APIConnectionError(redact(secrets, f"Auricle: {closed.message}"), retryable=False)


def utterance_error(error: ErrorMessage, secrets: Sequence[str] = ()) -> APIError:
    """Return the error for what the server could not transcribe, while the session goes on."""
    return APIError(redact(secrets, f"Auricle: {error.message}"), retryable=True)


def internal_error(error: Exception) -> APIError:
    """Return the error for a bug in the plugin. The framework retries after an `APIError` only."""
    return APIConnectionError(f"Auricle: the stream failed unexpectedly ({type(error).__name__}).", retryable=True)


def _status(closed: SessionClosed) -> int | None:
    """Return the equivalent HTTP status: that of the error code, else that of a close code 44xx or 45xx."""
    row = ERROR_CODES.get(closed.error) if closed.error else None
    if row is not None:
        return row.status
    return closed.code - 4000 if 4400 <= closed.code < 4600 else None
