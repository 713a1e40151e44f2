"""Resume tokens: the secret in ``ready.resume`` and ``resumed`` with which a client takes its session up again.

A token is compared in the core, by ``ServerSession.attach``, and is good for one resume.
"""

import secrets
from typing import Final

TOKEN_BYTES: Final = 24
"""Random bytes in a token."""


def new_resume_token() -> str:
    """Return a fresh random token, URL-safe base64 of `TOKEN_BYTES` bytes."""
    return secrets.token_urlsafe(TOKEN_BYTES)
