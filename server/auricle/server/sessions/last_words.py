"""The last words to a client that is cut off for what it sent: a frame too long, a breach of RFC 6455, a flood.

Its WebSocket ends without asking the session, and a Close frame is all that tells why. The clients of other dialects
look for an error of theirs before it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from auricle.core.server import ServerSession

ERROR_OF: Final[Mapping[int, str]] = MappingProxyType(
    {1002: "protocol_violation", 1003: "unsupported_data", 1007: "bad_message", 1008: "rate_limited", 1009: "too_large"}
)
"""The error that a close code of the WebSocket's own stands for."""


def last_words(session: ServerSession, code: int, reason: str) -> tuple[str, ...]:
    """Return the texts that come before a Close frame with this code and reason; none in ``auricle.v1``."""
    frames = session.last_words(ERROR_OF.get(code, "protocol_violation"), reason)
    return tuple(frame for frame in frames if isinstance(frame, str))
