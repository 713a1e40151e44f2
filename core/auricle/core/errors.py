"""Exceptions, and the table of error codes.

A mistake of our own side raises; one of the peer becomes outputs and a terminal event.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class AuricleError(Exception):
    """Base class of all exceptions that Auricle defines."""


class LocalProtocolError(AuricleError):
    """A call on our own side is not legal in the present state. Nothing has changed and nothing is sent."""


class BacklogFull(LocalProtocolError):
    """Too much waits for the server: audio, until `ClientSession.room` > 0, or flushes and changes."""


class Breach(Exception):
    """A guarantee does not hold for a message. `step` raises `LocalProtocolError` for it where our own side sent the
    message, and ends the session where the peer did. Never leaves the core.
    """

    def __init__(self, code: str, why: str, *, param: str | None = None) -> None:
        super().__init__(why)
        self.code = code
        self.why = why
        self.param = param


class ErrorCode(NamedTuple):
    """One row of notes/wire-protocols.md §3.9."""

    status: int
    """The HTTP status that means the same."""
    fatal: bool
    retriable: bool
    close_code: int
    """WebSocket close code: 44xx says that trying the same again will not help, 45xx that it may."""


NORMAL_CLOSURE: Final = 1000
ABNORMAL_CLOSURE: Final = 1006
"""RFC 6455 §7.4.1: never on the wire, stands for a connection that ended without a Close frame."""

ERROR_CODES: Final[Mapping[str, ErrorCode]] = {
    "config_required": ErrorCode(400, True, False, 1002),
    "already_started": ErrorCode(400, True, False, 1002),
    "protocol_violation": ErrorCode(400, True, False, 1002),
    "bad_message": ErrorCode(400, True, False, 1007),
    "unsupported_data": ErrorCode(415, True, False, 1003),
    "too_large": ErrorCode(413, True, False, 1009),
    "invalid_config": ErrorCode(422, True, False, 4400),
    "unsupported_language": ErrorCode(422, True, False, 4400),
    "unsupported_model": ErrorCode(422, True, False, 4400),
    "unsupported_encoding": ErrorCode(422, True, False, 4400),
    "unsupported_feature": ErrorCode(422, True, False, 4400),
    "unauthorized": ErrorCode(401, True, False, 4401),
    "forbidden": ErrorCode(403, True, False, 4403),
    "session_gone": ErrorCode(410, True, True, 4410),
    "bad_token": ErrorCode(401, True, True, 4410),
    "superseded": ErrorCode(409, True, False, 4409),
    "hello_timeout": ErrorCode(408, True, True, 4408),
    "idle": ErrorCode(408, True, True, 4408),
    "rate_limited": ErrorCode(429, False, True, 1008),
    "capacity": ErrorCode(503, True, True, 1013),
    "backlog_exceeded": ErrorCode(413, True, False, 4413),
    "invalid_state": ErrorCode(409, False, False, 1008),
    "invalid_param": ErrorCode(422, False, False, 1008),
    "engine_failed": ErrorCode(500, True, True, 4500),
    "engine_unavailable": ErrorCode(503, True, True, 4503),
    "drain_timeout": ErrorCode(504, True, False, 4504),
    "internal": ErrorCode(500, True, True, 1011),
    "shutdown": ErrorCode(503, True, True, 1012),
    # A client's timeouts against its server; they are never sent.
    "connect_timeout": ErrorCode(504, True, True, ABNORMAL_CLOSURE),
    "ready_timeout": ErrorCode(504, True, True, ABNORMAL_CLOSURE),
    "silence": ErrorCode(504, True, True, ABNORMAL_CLOSURE),
}
"""``fatal`` is the rule; ``engine_failed`` is said non-fatally first, fatally after `max_engine_failures`."""

RETRIABLE_CLOSE_CODES: Final = frozenset({1001, 1005, ABNORMAL_CLOSURE, 1011, 1012, 1013, *range(4500, 5000)})
"""Close codes after which a new connection may succeed."""
