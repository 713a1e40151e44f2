"""Keys for tests."""

from datetime import UTC, datetime
from typing import Any

from auricle.server.keys.api_key import ApiKey, digest_of, new_secret, spelt

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def made_key(name: str = "alice", **limits: Any) -> tuple[ApiKey, str]:
    """Return a key, and how a client presents it."""
    presented = new_secret()
    key = ApiKey(name=name, prefix=presented.prefix, digest=digest_of(presented.secret), created=NOON, **limits)
    return key, spelt(presented)
