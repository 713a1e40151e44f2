"""What a session knows about coming back after its transport is lost.

A session survives its socket: whether a transport is attached says nothing about the state of the conversation. Source:
notes/wire-protocols.md §3.7 (resume) and notes/sans-io.md §6.4.
"""

import zlib
from typing import NamedTuple

from auricle.core.limits import Limits


class Recovery(NamedTuple):
    """The part of a snapshot that is about transports. Times are seconds of the session's clock."""

    seed: int = 0
    """Client: what the jitter of its reconnect delays is drawn from."""
    session: str = ""
    """The server's name for the session."""
    token: str | None = None
    """What the next ``resume`` has to show; None: the session ends with its transport."""
    previous_token: str | None = None
    """Server: the token before that. It stays good until the client is heard on the transport that told it the new one;
    else a cut that swallows ``resumed`` would lock the client out."""
    window_s: float = 0.0
    """Server: how long a session waits for its client."""
    lost_at: float | None = None
    """Since when the session has been without its transport; None while it has one."""
    resumed_at: float = 0.0
    """Client: when the session was last opened or resumed."""
    attempt: int = 0
    """Client: transports asked for since the session was last well."""
    transports: int = 0
    """Client: transports asked for, ever. Server: the highest such number that it has heard."""
    reopen_at: float = 0.0
    """Client: when the transport that is awaited was asked for."""
    resuming: bool = False
    """Client: ``resume`` is said and ``resumed`` not heard; until then the server's position is unknown."""
    silence_seq: int | None = None
    """Client: the last ``seq`` when silence made it give up a transport, until the server says more than ``resumed``.

    The same silence twice is a verdict.
    """
    acked_seq: int = 0
    """Client: the last ``seq`` the server knows to have arrived."""
    restarts: int = 0
    """Client: sessions begun anew because the server no longer knew the one before."""
    retain_audio: bool = False
    """Client: audio that has been sent is kept, to be sent again."""
    retained: bool = False
    """Server: closed, and held for a client that may not have heard so."""


class Past(NamedTuple):
    """Client: what belongs to sessions that the server lost, before the present one. Counts of sample frames."""

    non_speech: int = 0
    gap: int = 0
    dropped: int = 0
    late: int = 0


def reconnect_delay_s(limits: Limits, seed: int, attempt: int) -> float:
    """Return how long to wait before transport number ``attempt`` (from 0): doubling, with jitter, and bounded.

    The jitter (a half to the whole of the delay) keeps the clients of a server that comes back from coming all at once.
    It is a function of seed and attempt, so that the same session always does the same.
    """
    whole_s = min(limits.reconnect_max_s, limits.reconnect_min_s * 2.0 ** min(attempt, 32))
    share = zlib.crc32(f"{seed}/{attempt}".encode()) / 2**32
    return whole_s * (0.5 + share / 2)
