"""Why no WebSocket could be opened, in the same words whatever library tried."""

import socket
import ssl
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from auricle.transports.address import Address

STATUSES: Final[Mapping[int, str]] = MappingProxyType(
    {
        400: "it takes no such request: write wss:// in the address where it has TLS",
        401: "it wants a valid API key: give api_key (to a command --api-key, or AURICLE_API_KEY)",
        403: "it refuses this client, for its key's scope or its page's origin: look at its log",
        404: "it has no WebSocket at this path: check the address",
        426: "it wants another version of WebSocket",
        429: "it is asked too often: try again later",
        503: "it cannot take more connections now: try again later",
    }
)
NOT_A_WEBSOCKET: Final = "it is not a WebSocket server"


def why_unreachable(address: Address, error: BaseException) -> str:
    """Return a clause on why no connection could be made, from the error of any library."""
    for cause in _causes(error):
        match cause:
            case socket.gaierror():
                return f"{address.url}: there is no host {address.host!r}: check the address"
            case ConnectionRefusedError():
                return f"{address.url}: no server listens there: start it with `auricle serve`, or check the address"
            case TimeoutError():
                return f"{address.url}: nothing answers there: check the address, and the firewall before it"
            case ssl.SSLCertVerificationError(verify_message=reason):
                why = f"its certificate is not trusted ({reason})"
                return f"{address.url}: {why}: give ssl_context, or let SSL_CERT_FILE name the file to trust"
            case ssl.SSLError():
                return f"{address.url}: it does not speak TLS: write ws:// where there is none"
            case OSError(strerror=str(reason)):
                return f"{address.url}: {reason[:1].lower()}{reason[1:]}"
    return f"{address.url}: {NOT_A_WEBSOCKET}"


def why_refused(address: Address, status: int) -> str:
    """Return a clause on why a server answered the opening request with an HTTP status instead of a WebSocket."""
    return f"{address.url}: HTTP {status}: {STATUSES.get(status, 'it refuses the WebSocket')}"


def why_cut_short(address: Address) -> str:
    """Return a clause on a server that ended the connection instead of answering the opening request."""
    return f"{address.url}: it took the connection, and ended it before it had answered: check what listens there"


def was_cut_short(error: BaseException) -> bool:
    """Whether a connection that could not be made was taken and reset at once, which is no refusal.

    Who takes connections and cannot serve them now, as a load balancer without a server behind it, does so; whether the
    reset comes before the client has noticed its connection, or after, is chance.
    """
    return any(isinstance(cause, ConnectionResetError | ConnectionAbortedError) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors that an error holds or was caused by, the innermost first, and then itself."""
    inner = [error.__cause__, getattr(error, "os_error", None), getattr(error, "certificate_error", None)]
    if isinstance(error, BaseExceptionGroup):
        inner.extend(error.exceptions)
    for cause in inner:
        if isinstance(cause, BaseException):
            yield from _causes(cause)
    yield error
