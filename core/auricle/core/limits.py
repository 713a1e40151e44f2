"""Every constant of the protocol, by name, with its default. Source: notes/wire-protocols.md §3.8."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Final

from auricle.core.schema import FieldError, is_finite

MAY_BE_ZERO: Final = frozenset(
    {
        "prebuffer_s", "ring_s", "resume_window_s", "reconnect_min_s", "reconnect_reset_s", "max_reconnects",
        "session_warning_s",
    }
)  # fmt: skip
"""Limits of which none at all makes sense. Of every other, 0 would stop the session or let a timer fire for ever."""
MAY_BE_INFINITE: Final = frozenset({"session_max_s", "audio_idle_s", "idle_timeout_s", "legacy_idle_timeout_s"})
LARGEST: Final = 1e9
"""Longest time in seconds, most bytes and highest count: sums of them with any position stay exact."""
ADOPTED: Final[Mapping[str, float]] = {
    "max_audio_s": 0.001,
    "max_audio_bytes": 64,
    "max_flushes_pending": 1,
    "max_changes_pending": 1,
}
"""What a client takes over from ``ready.limits``, with the least that it takes: nothing could be sent with less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Times in seconds, sizes in bytes, counts. A server tells its own in ``ready.limits``."""

    connect_timeout_s: float = 10.0
    """Client: for the transport to open."""
    hello_timeout_s: float = 10.0
    """Server: from an open transport to ``start``."""
    ready_timeout_s: float = 15.0
    """Client: silence while waiting for ``ready``; each ``loading`` restarts it."""
    load_timeout_s: float = 900.0
    """Server: for the model to be ready for a session. Client: the same, and ``ready_timeout_s`` on top of it."""
    prebuffer_s: float = 2.0
    """Audio that may be sent before ``ready``."""
    idle_timeout_s: float = 60.0
    """Server: without any frame from the client, while its input is open."""
    legacy_idle_timeout_s: float = 300.0
    """The same for a legacy client, which has no ping."""
    ping_interval_s: float = 20.0
    """Client: at most this long without a sign of life in both directions."""
    silence_timeout_s: float = 60.0
    """Client: of total silence from the server before it counts as lost."""
    ack_interval_s: float = 0.25
    """Server: least time between two ``ack``."""
    progress_interval_s: float = 5.0
    """Server: most time without a frame while it is loading, behind or draining."""
    flush_timeout_s: float = 30.0
    """Client: silence while a flush is unanswered."""
    stall_timeout_s: float = 120.0
    """Server: while audio waits for an engine that processes none of it, before the end of input.

    Client: while its audio waits and no credit comes, and ``drain_silence_s`` on top of it.
    """
    drain_timeout_s: float = 30.0
    """Server: without any progress after the end of input, plus 1.5 times the audio not yet heard."""
    drain_silence_s: float = 15.0
    """Client: silence after the end of input before the rest counts as lost."""
    legacy_drain_silence_s: float = 60.0
    """The same for a legacy server, which says nothing while it works; nor while it loads, before ``ready``."""
    close_timeout_s: float = 5.0
    """Both: for the closing handshake of the transport, once everything before it has left."""
    abort_timeout_s: float = 1.0
    """Client: for the same when our own application leaves; it should not be kept waiting."""
    write_stall_s: float = 30.0
    """Both: a write that has been blocked this long has failed."""
    resume_window_s: float = 30.0
    """Server: how long a session waits for its client to come back; 0: it ends with its connection."""
    reconnect_timeout_s: float = 60.0
    """Client: how long it tries to get a session back."""
    reconnect_min_s: float = 0.1
    """Client: the first delay before a new connection, doubled with each: a random share of it is waited."""
    reconnect_max_s: float = 5.0
    """Client: the longest such delay."""
    max_reconnects: int = 30
    """Client: connections tried in a row; a server that keeps coming and going is given up."""
    reconnect_reset_s: float = 10.0
    """Client: a session that has been well for this long begins with the first delay again."""
    session_max_s: float = 4 * 3600.0
    """Server: after this the input is ended from its side, with all results."""
    session_warning_s: float = 60.0
    """Server: so long before, the client is warned."""
    audio_idle_s: float = math.inf
    """Server: after so long without audio the input is ended from its side. Infinite: never."""
    window_s: float = 30.0
    """Audio a client may be ahead of the engine: ``credit = processed + window``."""
    backlog_s: float = 10.0
    """Client: audio that may wait for credit before `send_audio` refuses more."""
    max_text_bytes: int = 64 * 1024
    max_start_bytes: int = 256 * 1024
    max_audio_bytes: int = 1024 * 1024
    max_message_bytes: int = 4 * 1024 * 1024
    """Client: the longest message a server may send."""
    ring_s: float = 60.0
    """Client: most audio kept that the server has but has not decided, for the case that it loses it.

    A window of audio that waits to be heard, and an utterance that is not over, are nothing unusual.
    """
    max_record: int = 4096
    """Server: most durable messages kept for a client that might come back."""
    max_audio_s: float = 10.0
    """Longest audio in one binary frame."""
    max_flushes_pending: int = 16
    max_flushes_per_s: int = 4
    """On average, over as many as may be pending."""
    max_changes_pending: int = 4
    max_engine_failures: int = 3
    """Utterances in a row that may fail before the session is given up."""

    def __post_init__(self) -> None:
        """Raise `FieldError`, a `ValueError`, for a value that is no limit."""
        for field in fields(self):
            _check(field.name, getattr(self, field.name), whole=isinstance(field.default, int))

    def adopting(self, told: Mapping[str, object]) -> "Limits":
        """Return these limits, lowered to a server's ``ready.limits`` where they are about what a client sends.

        A value that is not a number, or so low that nothing could be sent, is ignored (wire-protocols §3.10).
        """
        lower = {}
        for name, least in ADOPTED.items():
            ours, theirs = getattr(self, name), told.get(name)
            if isinstance(theirs, int | float) and not isinstance(theirs, bool) and least <= theirs < ours:
                lower[name] = type(ours)(theirs)
        return replace(self, **lower) if lower else self

    def told(self) -> dict[str, object]:
        """Return the limits as ``ready.limits`` carries them: seconds, bytes and counts under the same names.

        Infinite ones are left out: they are no limit, and JSON has no infinity.
        """
        return {name: limit for name, limit in asdict(self).items() if limit < math.inf}


def _check(name: str, value: object, *, whole: bool) -> None:
    if value == math.inf and name in MAY_BE_INFINITE:
        return
    if not is_finite(value) or not isinstance(value, int | float) or value > LARGEST:
        raise FieldError(f"/{name}", f"must be a number of at most {LARGEST:g}")
    if whole and not isinstance(value, int):
        raise FieldError(f"/{name}", "must be an integer")
    if value < 0 or (value == 0 and name not in MAY_BE_ZERO):
        raise FieldError(f"/{name}", "must be above 0" if name not in MAY_BE_ZERO else "must not be below 0")
