"""The client's timeouts, from the framework's retry policy (``conn_options``) and the user's ``drain_timeout``."""

from dataclasses import replace
from typing import Final

from livekit.agents import APIConnectOptions

from auricle.core import Limits

CONNECT_SHARE: Final = 0.3
READY_SHARE: Final = 0.6
"""Shares of ``conn_options.timeout`` for the connection, and for the server's ``ready`` after it (every ``loading``
restarts that one). Together they stay below 1: the framework takes an attempt that outlived ``timeout`` for one that
had connected, and gives it a new retry budget, so a server that never answers would be tried for ever."""
MIN_TIMEOUT_S: Final = 0.05
LONGEST_RECONNECT_DELAY_S: Final = 1.0
"""Between two tries to resume: a server that is back should not be kept waiting."""
FAIL_OVER_S: Final = 1.0
"""How long a lost connection is made again, and a refused one tried again, where another STT stands by."""


def client_limits(conn_options: APIConnectOptions, drain_timeout: float) -> Limits:
    """Return the client's limits. Resuming is tried for as long as one attempt of the framework may take."""
    timeout = max(conn_options.timeout, MIN_TIMEOUT_S)
    return Limits(
        connect_timeout_s=CONNECT_SHARE * timeout,
        ready_timeout_s=READY_SHARE * timeout,
        reconnect_timeout_s=(CONNECT_SHARE + READY_SHARE) * timeout,
        reconnect_max_s=LONGEST_RECONNECT_DELAY_S,
        ping_interval_s=5.0,
        silence_timeout_s=15.0,
        # Twice, so that one connection that died unnoticed does not cost the last words.
        drain_silence_s=drain_timeout / 2,
        flush_timeout_s=10.0,
        close_timeout_s=1.0,
        abort_timeout_s=0.5,
        write_stall_s=10.0,
    )


def fail_over_limits(limits: Limits) -> Limits:
    """Return limits with which a server that is gone is given up at once."""
    return replace(
        limits,
        connect_timeout_s=min(limits.connect_timeout_s, FAIL_OVER_S),
        reconnect_timeout_s=min(limits.reconnect_timeout_s, FAIL_OVER_S),
    )
