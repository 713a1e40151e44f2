"""Server addresses: parsing and normalising of WebSocket and HTTP URLs."""

from typing import Final, NamedTuple
from urllib.parse import urlsplit

from auricle.core.node import QUERY_KEY, node_of
from auricle.transports.errors import InvalidURL

DEFAULT_PATH: Final = "/ws/transcribe"
_SCHEMES: Final = {"ws": False, "http": False, "wss": True, "https": True}


class Address(NamedTuple):
    """The parts of a WebSocket address."""

    host: str
    port: int
    resource: str
    """Path and query."""
    secure: bool

    @property
    def url(self) -> str:
        """The address as one ``ws://`` or ``wss://`` URL."""
        return f"{'wss' if self.secure else 'ws'}://{self.authority}{self.resource}"

    def towards(self, session: str) -> "Address":
        """Return the address for a connection that is to resume ``session``, with the node that its id names.

        A proxy can send such a connection to that node; a server takes no notice of it.
        """
        node = node_of(session)
        if node is None:
            return self
        return self._replace(resource=f"{self.resource}{'&' if '?' in self.resource else '?'}{QUERY_KEY}={node}")

    @property
    def authority(self) -> str:
        """Host and port as a ``Host`` header has them (RFC 9110 §7.2): an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(url: str) -> Address:
    """Parse ``ws://``, ``wss://``, ``http://`` or ``https://``; a URL without a path gets `DEFAULT_PATH`.

    Raises `InvalidURL`.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidURL(f"{url!r} is not a URL: {error}.") from None
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise InvalidURL(f"{url!r} is not the URL of a server: write it as ws://host:port or wss://host.")
    if parts.username or parts.password:
        raise InvalidURL("A server URL may not hold a user or a password: give the key as api_key.")
    secure = _SCHEMES[parts.scheme]
    path = parts.path if parts.path not in ("", "/") else DEFAULT_PATH
    resource = f"{path}?{parts.query}" if parts.query else path
    return Address(host=parts.hostname, port=port or (443 if secure else 80), resource=resource, secure=secure)


def refusal_code(status: int) -> int:
    """Return the WebSocket close code for an HTTP error status: 44xx where a retry will not help."""
    if status in (408, 429, 502, 503, 504):
        return 1013  # too much at once, or a proxy without a server behind it just now
    return 4000 + status if 400 <= status < 500 else 1006
