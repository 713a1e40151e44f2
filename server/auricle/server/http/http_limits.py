"""Bounds of HTTP: how many connections, and how long a client may take for its parts of an exchange."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """Times in seconds, and a count."""

    max_connections: int = 1_000
    """Connections at once, below the usual limit of 1024 open files; more are refused with 503."""
    head_timeout_s: float = 5.0
    """For the complete head of a request, however slowly its bytes arrive (slow loris)."""
    keep_alive_s: float = 5.0
    """Idle timeout of a kept-alive connection: from a response to the complete head of the next request."""
    body_stall_s: float = 60.0
    """How long an application waits for the next bytes of a body. What it does not ask for is not waited for."""


HTTP_DEFAULTS: Final = HttpLimits()
