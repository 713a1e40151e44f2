"""Session tokens for browsers: what a page may hold instead of a key, for a minute.

``st_<payload>.<signature>``: the payload names the key that asked for it and says when it ends; the signature is
HMAC-SHA256. Nothing is kept of a token, so that every node with the same secret takes it. It opens sessions and uploads
of its key, under the limits of that key, until it ends; a session that it has opened goes on.
"""

import base64
import binascii
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import compare_digest, new
from typing import Final, NamedTuple

MARK: Final = "st_"
DEFAULT_TTL_S: Final = 60.0
LONGEST: Final = 400


class Token(NamedTuple):
    """What a token says, once its signature has been checked."""

    prefix: str
    """Of the key that asked for it."""
    expires: datetime


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """Makes tokens and reads them. Without a ``secret`` they are good for this process alone."""

    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def make(self, prefix: str, at: datetime, ttl_s: float) -> tuple[str, datetime]:
        """Return a token for the key with a prefix, and when it ends."""
        expires = (at + timedelta(seconds=ttl_s)).replace(microsecond=0)
        body = {"k": prefix, "e": int(expires.timestamp()), "n": secrets.token_hex(4)}
        payload = _encoded(json.dumps(body, separators=(",", ":")).encode())
        return f"{MARK}{payload}.{self._signature(payload)}", expires

    def read(self, text: str) -> Token | None:
        """Return what a token says; None where it is none of ours. It may have ended."""
        if not text.startswith(MARK) or len(text) > LONGEST:
            return None
        payload, _, signature = text.removeprefix(MARK).partition(".")
        if not compare_digest(self._signature(payload), signature.encode("ascii", "replace").decode()):
            return None
        try:
            body = json.loads(_decoded(payload))
            return Token(body["k"], datetime.fromtimestamp(body["e"], UTC))
        except (binascii.Error, ValueError, KeyError, TypeError):
            return None

    def _signature(self, payload: str) -> str:
        return _encoded(new(self.secret, payload.encode("utf-8", "surrogatepass"), sha256).digest())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
