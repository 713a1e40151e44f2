"""The last words to a client that is cut off for what it sent: a frame too long, a breach of RFC 6455, a flood.

Its WebSocket ends without asking the session, and a Close frame is all that tells why. The clients of other dialects
look for an error of theirs before it; those of ``auricle.v1`` know the code.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from auricle.core import State
from auricle.core.errors import ERROR_CODES
from auricle.core.messages import ErrorMessage
from auricle.core.session import Session

ERROR_OF: Final[Mapping[int, str]] = MappingProxyType(
    {1002: "protocol_violation", 1003: "unsupported_data", 1007: "bad_message", 1008: "rate_limited", 1009: "too_large"}
)
"""The error that a close code of the WebSocket's own stands for."""


def last_words(session: Session, close_code: int, reason: str) -> tuple[str, ...]:
    """Return the texts that come before a Close frame with this code and reason.

    Nothing of the session changes: what ends it is the loss of the transport, which follows.
    """
    if not session.dialect.legacy or session.state is State.CLOSED:
        return ()
    code = ERROR_OF.get(close_code, "protocol_violation")
    row, seq = ERROR_CODES[code], session.snapshot.seq + 1
    error = ErrorMessage(seq=seq, code=code, message=reason, fatal=True, retriable=row.retriable, status=row.status)
    _, frames = session.dialect.encode(error, session.snapshot)
    return tuple(frame for frame in frames if isinstance(frame, str))
