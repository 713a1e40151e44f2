"""The line that a session leaves in the log, at its end: how it went, and nothing of what was said."""

import logging
from typing import Final

from auricle.core.dialect import V1, Dialect
from auricle.core.events import SessionClosed
from auricle.core.legacy import LegacyClient, Undecided
from auricle.core.server import ServerSession
from auricle.server.dialects.deepgram_listen import DeepgramListen
from auricle.server.dialects.openai_realtime import OpenAIRealtime
from auricle.server.dialects.twilio import TwilioStream
from auricle.server.dialects.wyoming import WyomingConnection

logger = logging.getLogger(__name__)

HANDED_ON: Final = "shutdown"
"""The error with which a session ends here whose client goes on elsewhere, and sends again what was undecided."""
NOT_HERE: Final = "session_gone"
"""The error of a client that asks for a session where it is not, and begins anew there."""
DIALECT_NAMES: Final[dict[type, str]] = {
    V1: "auricle.v1",
    Undecided: "undecided",
    LegacyClient: "legacy",
    DeepgramListen: "deepgram",
    OpenAIRealtime: "openai",
    TwilioStream: "twilio",
    WyomingConnection: "wyoming",
}


def log_session_end(
    session_id: str,
    session: ServerSession,
    closed: SessionClosed,
    *,
    peer: str,
    key: str | None = None,
    delay_s: float | None = None,
) -> None:
    """Log one line: a warning where the session was refused, or has failed.

    What belongs to a planned stop is none: a session that is handed on to another server, and a client that asks for
    its session where it is not, and begins anew there.

    ``session_id`` is what the client was told; ``peer`` is ``address:port``, ``key`` the name of its key.
    ``delay_s`` is what 95 in 100 of its finals came within, from the arrival of their last word on, where it is known.
    """
    s = session.snapshot
    counts = closed.accounting
    fields: dict[str, object] = {
        "session": session_id,
        "dialect": dialect_name(session.dialect),
        "peer": peer,
        "key_name": key,
        **_client(session),
        "audio_s": round(s.seconds(counts.received - s.origin), 3),
        "wall_s": round(s.closed_at - s.opened_at, 3),
        "words": counts.words,
        "finals": counts.segments,
        "final_delay_p95_s": None if delay_s is None else round(delay_s, 3),
        "reason": closed.reason,
        "error": closed.error,
        "complete": closed.complete,
    }
    told = {name: value for name, value in fields.items() if value not in (None, "")}
    if closed.error == HANDED_ON:
        logger.info("session handed on", extra=told)
    elif closed.error == NOT_HERE:
        logger.info("session not here", extra=told)
    elif closed.error is not None and s.ready_at < s.opened_at:  # it has never been ready
        logger.warning("session refused", extra={**told, "why": closed.message})
    elif closed.error is not None:
        logger.warning("session failed", extra={**told, "why": closed.message})
    else:
        logger.info("session ended", extra=told)


def dialect_name(dialect: Dialect) -> str:
    """Return the name of a dialect."""
    return DIALECT_NAMES.get(type(dialect), type(dialect).__name__)


def _client(session: ServerSession) -> dict[str, object]:
    """Return who the client says it is."""
    client = session.snapshot.config.client
    if client is None:
        return {}
    version = f" {client.version}" if client.version else ""
    return {
        "client": f"{client.name}{version}",
        "reference": client.reference,
        "tags": list(client.tags) or None,
    }
