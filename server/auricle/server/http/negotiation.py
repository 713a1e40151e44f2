"""Negotiation of a WebSocket: path, origin and subprotocol. Pure functions of the request head."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address
from types import MappingProxyType
from typing import Final
from urllib.parse import SplitResult, urlsplit

from auricle.core import PROTOCOL
from auricle.server.dialects.handshake import OpenDialect
from auricle.server.dialects.paths import DIALECTS
from auricle.server.http.problem_details import Problem

WEBSOCKET_PATHS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({"/ws/transcribe": (PROTOCOL,)})
"""WebSocket paths, and the subprotocols of each. A client that offers none of them is still accepted: its first message
selects the dialect (wire-protocols.md §3.1)."""

DEFAULT_PORTS: Final = MappingProxyType({"http": 80, "https": 443})
LOOPBACK_OF: Final = MappingProxyType({"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"})
"""The loopback address of each address that stands for all of a machine's: nobody can connect to those themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a client asks for. ``subprotocols`` may hold a token, so they are left out of the ``repr``."""

    path: str
    """Path of the request target, without the query, which may hold a token too."""
    host: str = ""
    """The ``Host`` header: ``name`` or ``name:port``."""
    origins: tuple[str, ...] = ()
    """Values of the ``Origin`` header, which every browser sends; more than one is an error."""
    subprotocols: tuple[str, ...] = field(default=(), repr=False)
    """In the client's order of preference."""
    query: str = field(default="", repr=False)
    """Query of the request target, as it was sent; it may hold a token."""
    authorization: str = field(default="", repr=False)
    """The ``Authorization`` header."""


@dataclass(frozen=True, slots=True)
class Accept:
    """Accept the upgrade. The path's dialect opens the session; without one the subprotocol, or the first message."""

    subprotocol: str | None
    dialect: OpenDialect | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse the upgrade: respond with `problem` instead of 101."""

    problem: Problem


def read_offer(target: str, headers: Sequence[tuple[bytes, bytes]]) -> Offer:
    """Return the offer of a request head; header names are in lower case, as in h11."""

    def values(name: bytes) -> tuple[str, ...]:
        return tuple(value.decode("latin-1") for key, value in headers if key == name)

    offered = (item.strip() for value in values(b"sec-websocket-protocol") for item in value.split(","))
    return Offer(
        path=path_of(target),
        host=next(iter(values(b"host")), ""),
        origins=values(b"origin"),
        subprotocols=tuple(item for item in offered if item),
        query=target.partition("?")[2],
        authorization=next(iter(values(b"authorization")), ""),
    )


def path_of(target: str) -> str:
    """Return the path of a request target, in origin form or absolute form (RFC 9112 §3.2), without its query."""
    if not target.startswith("/"):
        target = target.partition("://")[2]
        target = "/" + target.partition("/")[2]
    return target.partition("?")[0]


def negotiate(offer: Offer, *, allowed_origins: Collection[str] = (), loopback_only: bool = False) -> Accept | Reject:
    """Accept or reject an offer. `allowed_origins` are exact serialised origins: ``https://app.example:8443``.

    ``loopback_only``: the server is bound to the loopback, so that a page must have asked for it by a loopback name.

    Browsers cannot read the response to a refused upgrade. wire-protocols.md §3.1 wants them rejected in band, after
    the upgrade; that is not built yet and belongs to the endpoint, which can send `error` and close.
    """
    known, dialect = WEBSOCKET_PATHS.get(offer.path), DIALECTS.get(offer.path)
    if known is None and dialect is None:
        where = ", ".join((*WEBSOCKET_PATHS, *DIALECTS))
        return _rejection(HTTPStatus.NOT_FOUND, "not_found", f"There is no WebSocket at this path; try {where}.")
    problem = page_problem(offer, allowed_origins=allowed_origins, loopback_only=loopback_only)
    if problem is not None:
        return Reject(problem)
    return Accept(choose_subprotocol(offer.subprotocols, known or ()), dialect)


def page_problem(offer: Offer, *, allowed_origins: Collection[str] = (), loopback_only: bool = False) -> Problem | None:
    """Return why the page that asks may not use this server, by its origin and by the host that it asked for."""
    why = None
    if not origin_allowed(offer, allowed_origins):
        why = "Pages of this origin may not use this server."
    elif loopback_only and is_rebound(offer, allowed_origins):
        why = f"This server is on the loopback, and no page reaches it as {offer.host!r}; allow the page's origin."
    return None if why is None else Problem(status=HTTPStatus.FORBIDDEN, code="forbidden", detail=why)


def choose_subprotocol(offered: Sequence[str], known: Collection[str]) -> str | None:
    """Return the first offered subprotocol that is in `known`, exactly as spelt, or None.

    ``auricle.auth.<base64url>`` carries a token, is never in `known`, and so is never selected, which would send it
    back. None is no refusal: RFC 6455 §4.2.2 lets a server accept without one.
    """
    return next((item for item in offered if item in known), None)


def origin_allowed(offer: Offer, allowed_origins: Collection[str] = ()) -> bool:
    """Whether the origin may connect: none given, the same host and port, a loopback host, or one of `allowed_origins`.

    Schemes are not compared, because a proxy in front may have ended TLS. Does not hold against DNS rebinding, where
    the attacker's page *is* the same origin: on the loopback `is_rebound` does, elsewhere it takes a key, or a proxy
    that checks ``Host``.
    """
    if not offer.origins:
        return True
    if len(offer.origins) > 1:
        return False
    origin = offer.origins[0]
    if origin in allowed_origins:
        return True
    asked = _split(origin)
    if asked is None or asked.scheme not in DEFAULT_PORTS or not asked.hostname:
        return False
    if is_loopback_host(asked.hostname):
        return True
    default = DEFAULT_PORTS[asked.scheme]
    host = _split(f"//{offer.host}")
    return host is not None and (asked.hostname, asked.port or default) == (host.hostname, host.port or default)


def is_rebound(offer: Offer, allowed_origins: Collection[str] = ()) -> bool:
    """Whether a page may have made a name of its own point to the loopback (DNS rebinding).

    Its ``Host`` is that name. Programs send no ``Origin``, and are not concerned: they can connect as they like.
    """
    if not offer.origins or offer.origins[0] in allowed_origins:
        return False
    return not _is_loopback_authority(offer.host)


def asks_for_loopback(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether the ``Host`` of a request is a name of the loopback."""
    return _is_loopback_authority(read_offer("", headers).host)


def _rejection(status: HTTPStatus, code: str, detail: str) -> Reject:
    return Reject(Problem(status=status, code=code, detail=detail))


def _is_loopback_authority(authority: str) -> bool:
    host = _split(f"//{authority}")
    return host is not None and is_loopback_host(host.hostname or "")


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for "host:port" where the port is no number
    except ValueError:
        return None
    return parts


def is_loopback_host(hostname: str) -> bool:
    """Whether a host name or address is loopback, judged by its spelling alone."""
    if hostname == "localhost":
        return True
    try:
        return ip_address(hostname).is_loopback
    except ValueError:
        return False
