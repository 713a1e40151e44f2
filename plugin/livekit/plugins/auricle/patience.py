"""How long to wait for a server, from what the framework and the user allow."""

from collections.abc import Callable

from livekit.agents import APIConnectOptions

from auricle.core import Limits

TRANSPORT_SHARE = 0.3
READY_SHARE = 0.6
"""Shares of ``conn_options.timeout`` for the connection and for the server's ``ready`` after it (each ``loading``
counts from anew). Together they stay below 1: the framework takes an attempt that outlived ``timeout`` for one that had
connected, and gives it a new retry budget, so a server that never answers would be tried for ever."""
BRIEFLY_S = 0.05
FAREWELL_S = 1.0
"""How long a server may take to close a session of which everything is decided."""


def limits_for(conn_options: APIConnectOptions, drain_timeout: float) -> Limits:
    """Return the client's limits. A resume is tried for as long as one attempt of the framework may take."""
    timeout = max(conn_options.timeout, BRIEFLY_S)
    return Limits(
        connect_timeout_s=TRANSPORT_SHARE * timeout,
        ready_timeout_s=READY_SHARE * timeout,
        reconnect_timeout_s=(TRANSPORT_SHARE + READY_SHARE) * timeout,
        ping_interval_s=5.0,
        silence_timeout_s=15.0,
        # Twice, so that one connection that died unnoticed does not cost the last words.
        drain_silence_s=drain_timeout / 2,
        flush_timeout_s=10.0,
        close_timeout_s=1.0,
        abort_timeout_s=0.5,
        write_stall_s=10.0,
    )


class Bound:
    """The end of a stream's patience: armed by the end of input, put off by progress alone.

    ``now`` is the event loop's time. ``moved`` is called with the new deadline, by whoever is waiting now.
    """

    def __init__(self, patience_s: float) -> None:
        self.deadline: float | None = None
        self._patience_s = patience_s
        self._moved: Callable[[float], None] | None = None

    def watch(self, moved: Callable[[float], None] | None) -> None:
        """Tell ``moved`` from now on, or nobody."""
        self._moved = moved

    def arm(self, now: float) -> None:
        """There is something to wait for: no more input will come, but what came is not decided."""
        self._set(now + self._patience_s)

    def progress(self, now: float) -> None:
        """Something has been decided."""
        if self.deadline is not None:
            self.arm(now)

    def say_farewell(self, now: float) -> None:
        """Everything is decided: only the server's goodbye is missing."""
        self._set(now + min(FAREWELL_S, self._patience_s))

    def _set(self, deadline: float) -> None:
        self.deadline = deadline
        if self._moved is not None:
            self._moved(deadline)
