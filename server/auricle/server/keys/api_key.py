"""API keys: ``ak_<prefix>.<secret>``. The prefix is public and finds the key; of the secret there is a hash.

A secret is 256 random bits, so that SHA-256 is enough: there is no list of likely ones to try (OWASP ASVS 5.0 §11.4).
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from typing import Final, NamedTuple

from auricle.server.keys.scopes import Scope

MARK: Final = "ak_"
PREFIX_BYTES: Final = 6
SECRET_BYTES: Final = 32
LONGEST: Final = 200
"""Characters of what is looked at as a key; ours have 62."""
_NOBODY: Final = sha256(b"nobody's").hexdigest()
"""What a secret is compared with where its prefix is unknown, so that both take the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One key, as it is kept: without its secret. A limit of None is no limit."""

    name: str
    prefix: str
    digest: str
    """SHA-256 of the secret, in hexadecimal."""
    created: datetime
    expires: datetime | None = None
    """When it ends; None: never."""
    scopes: frozenset[Scope] = frozenset({Scope.TRANSCRIBE})
    sessions: int | None = None
    """Most concurrent sessions."""
    requests_per_minute: int | None = None
    """Most sessions, uploads and tokens that are begun in a minute, on average over as many as that."""
    audio_minutes_per_day: float | None = None
    """Most audio in a day of UTC."""

    def has_expired(self, at: datetime) -> bool:
        """Whether it is over at ``at``."""
        return self.expires is not None and at >= self.expires


class Presented(NamedTuple):
    """A key as a client presents it."""

    prefix: str
    secret: str


def new_secret() -> Presented:
    """Return a fresh prefix and secret."""
    return Presented(secrets.token_hex(PREFIX_BYTES), secrets.token_urlsafe(SECRET_BYTES))


def spelt(presented: Presented) -> str:
    """Return the key as it is handed to a client, once."""
    return f"{MARK}{presented.prefix}.{presented.secret}"


def digest_of(secret: str) -> str:
    """Return the hash that is kept of a secret."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def parse(text: str) -> Presented:
    """Return the parts of what a client presents; anything is taken, and what is no key has an unknown prefix."""
    prefix, _, secret = text[:LONGEST].removeprefix(MARK).partition(".")
    return Presented(prefix if text.startswith(MARK) else "", secret)


class Keyring:
    """The keys of a server."""

    def __init__(self, keys: tuple[ApiKey, ...]) -> None:
        self.keys: Final = keys
        self._by_prefix: Final = {key.prefix: key for key in keys}

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self.keys)

    @property
    def has_days(self) -> bool:
        """Whether a day's audio of any key is bounded."""
        return any(key.audio_minutes_per_day is not None for key in self.keys)

    def by_prefix(self, prefix: str) -> ApiKey | None:
        """Return the key with a prefix, None where there is none."""
        return self._by_prefix.get(prefix)

    def find(self, text: str) -> ApiKey | None:
        """Return the key that a client presents, None where it is none of ours. It may have expired.

        An unknown prefix costs as much as a wrong secret: nobody learns by the time it takes which prefixes there are.
        """
        presented = parse(text)
        key = self._by_prefix.get(presented.prefix)
        known = _NOBODY if key is None else key.digest
        return key if compare_digest(digest_of(presented.secret), known) else None
