"""Keeps the API key, and the query of the URL, out of messages and logs."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

REDACTED: Final = "***"


def secrets_of(url: str, api_key: str | None) -> Sequence[str]:
    """Return the strings that must not be shown: the key, and the query of the URL, which may hold a token."""
    return [secret for secret in (api_key, urlsplit(url).query) if secret]


def redact(secrets: Sequence[str], message: str) -> str:
    """Return a message with every secret replaced by `REDACTED`."""
    for secret in sorted(secrets, key=len, reverse=True):
        message = message.replace(secret, REDACTED)
    return message
