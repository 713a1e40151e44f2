"""The part of the snapshot that is about losing a transport and resuming the session, and the reconnect delay.

Here is what the attachment's table (`auricle.core.rules.attachment`) does not say: secrets, times and counts. Source:
notes/wire-protocols.md §3.7 (resume) and notes/sans-io.md §6.4.
"""

import hashlib
from typing import NamedTuple

from auricle.core.limits import Limits


class Recovery(NamedTuple):
    """Reconnecting and resuming. Times are seconds of the session's clock."""

    seed: int = 0
    """Client: seed of the jitter of its reconnect delays."""
    session: str = ""
    """The id that the server gave the session."""
    token: str | None = None
    """The token of the next ``resume``. While the session is open there is one exactly where its attachment says so."""
    previous_token: str | None = None
    """Server: the token before that. It is valid until the client shows on the transport of ``resumed`` that it has it;
    otherwise a connection lost together with ``resumed`` would leave the client without a valid token."""
    window_s: float = 0.0
    """Server: how long a session may be resumed after its transport is lost."""
    lost_at: float | None = None
    """When the transport was lost; None while one is attached on which the session has been opened or resumed."""
    resumed_at: float = 0.0
    """Client: when the session was last opened or resumed."""
    asked_at: float = 0.0
    """Client: when the application asked to connect. A session that was never ready is tried for
    ``connect_timeout_s`` from then on."""
    refusal: str = ""
    """Client: why the last connection did not become ready, in one clause; until the session is ready for the first
    time."""
    attempt: int = 0
    """Client: transports requested since the backoff was last reset."""
    transports: int = 0
    """Client: transports requested in all. Server: the highest such number received in a ``resume``."""
    reopen_at: float = 0.0
    """Client: when the requested transport may be opened."""
    resumed: bool = False
    """The session has been resumed: on a client on its present connection, on a server at any time."""
    proven: bool = False
    """Client: since the session was last opened or resumed the server has shown that it hears us. Only then does the
    backoff begin anew: a server that resumes sessions and then falls silent is given up after ``max_reconnects``."""
    acked_seq: int = 0
    """Client: the last ``seq`` acknowledged to the server (``ping.seen``)."""
    retain_audio: bool = False
    """Client: sent audio is retained, in case it must be sent again."""


class Past(NamedTuple):
    """Client: the counts of earlier sessions that the server lost, in sample frames."""

    non_speech: int = 0
    gap: int = 0
    dropped: int = 0
    late: int = 0


def backoff_delay_s(limits: Limits, seed: int, attempt: int) -> float:
    """Return the delay in seconds before another connection, after ``attempt`` (from 0) that came to nothing.

    Exponential backoff with full jitter: anything from nothing to the whole of the delay, so that the clients of a
    server that goes, or of a proxy that restarts, come back evenly spread. It is a function of seed and attempt, so
    that the same session always does the same. Source: Brooker, "Exponential Backoff And Jitter" (AWS, 2015).
    """
    return _whole_s(limits, attempt) * _share(seed, attempt)


def _whole_s(limits: Limits, attempt: int) -> float:
    return min(limits.reconnect_max_s, limits.reconnect_min_s * 2.0 ** min(attempt, 32))


def _share(seed: int, attempt: int) -> float:
    """Return the jitter, in [0, 1).

    A checksum would not do: it is linear, and two clients that came at the same time once would at every attempt.
    """
    digest = hashlib.blake2b(f"{seed}/{attempt}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) / 2**32
