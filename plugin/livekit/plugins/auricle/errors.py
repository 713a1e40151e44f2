"""How a session ended, in the framework's words. No message holds a key, and no exception has a cause that could."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from livekit.agents import APIConnectionError, APIError, APIStatusError, APITimeoutError

from auricle.core import ERROR_CODES, ErrorMessage, SessionClosed

TRANSIENT: Final = frozenset({408, 429, 499})
"""The 4xx that `APIStatusError` lets be retried."""
HIDDEN: Final = "***"


def secrets_of(url: str, api_key: str | None) -> Sequence[str]:
    """Return what may not be told: the key, and the query of the URL, where some put theirs."""
    return [secret for secret in (api_key, urlsplit(url).query) if secret]


def without(secrets: Sequence[str], message: str) -> str:
    """Return a message with the secrets blotted out."""
    for secret in sorted(secrets, key=len, reverse=True):
        message = message.replace(secret, HIDDEN)
    return message


def ended_early(closed: SessionClosed, secrets: Sequence[str] = (), *, opened: bool) -> APIError:
    """Return the error for a session that ended before its input did, or whose rest was not told.

    ``opened``: whether the server had been ready; what it says later is not about what we ask for.
    """
    message = without(secrets, f"Auricle: {closed.message}")
    if closed.reason == "timeout":
        return APITimeoutError(message, retryable=closed.retriable)
    if closed.reason in ("completed", "shutdown", "session_limit", "idle", "cancelled"):
        # Nothing is wrong with what we ask for: another session may have it.
        return APIConnectionError(message, retryable=True)
    if closed.reason == "violation" and opened:
        # It had made sense before: another session may be well.
        return APIConnectionError(message, retryable=True)
    status = _status(closed)
    if status is None and closed.reason == "lost":
        # Also where the server closed with 1000, without a word: somebody between us may have.
        return APIConnectionError(message, retryable=True)
    if status is None or (closed.retriable and 400 <= status < 500 and status not in TRANSIENT):
        return APIConnectionError(message, retryable=closed.retriable)
    return APIStatusError(message, status_code=status, retryable=closed.retriable)


def failed_on(error: ErrorMessage, secrets: Sequence[str] = ()) -> APIError:
    """Return the error for something the server could not do while the session goes on."""
    return APIError(without(secrets, f"Auricle: {error.message}"), retryable=True)


def unexpected(error: Exception) -> APIError:
    """Return the error for a mistake of ours: the framework forgives an `APIError`, and is deaf after anything else."""
    return APIConnectionError(f"Auricle: the stream failed unexpectedly ({type(error).__name__}).", retryable=True)


def _status(closed: SessionClosed) -> int | None:
    """Return the HTTP status that says the same: of the error code, else of a close code 44xx."""
    row = ERROR_CODES.get(closed.error) if closed.error else None
    if row is not None:
        return row.status
    return closed.code - 4000 if 4400 <= closed.code < 4600 else None
