"""Keys of requests: where they are looked for, how those without are refused, and what operators alone may see."""

import logging
import uuid
from dataclasses import replace
from typing import Final

import trio
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from auricle.server.dialects.denials import denial
from auricle.server.dialects.keys import KeyPlaces, key_of
from auricle.server.http.negotiation import Offer, asks_for_loopback, is_loopback_host, read_offer
from auricle.server.http.upgrade import Upgrade
from auricle.server.keys.access import Access, Denied, Grant
from auricle.server.keys.scopes import Scope as KeyScope

logger = logging.getLogger(__name__)

OPERATOR_PATHS: Final = ("/status", "/metrics", "/admin")
"""What the server tells of itself: for the loopback, and for keys with the scope ``operator``."""
PAGES: Final = ("/status",)
"""Those of them that are a page in a browser."""
PROXY_HEADERS: Final = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""Headers of a proxy. Its address may be the loopback's; that of the one who asks is not."""


def presented_key(offer: Offer) -> str | None:
    """Return the key of a request, where the clients of its path put it."""
    places = KeyPlaces(authorization=offer.authorization, subprotocols=offer.subprotocols, query=offer.query)
    return key_of(offer.path, places)


def authorise(access: Access, request: Request) -> Grant | Denied:
    """Return the grant of a request for something to be transcribed, or why it has none."""
    return access.authorise(_presented(request), KeyScope.TRANSCRIBE, trio.current_time())


async def deny_upgrade(upgrade: Upgrade, denied: Denied, request_id: str) -> None:
    """Refuse a WebSocket, in the words of its path's service."""
    log_denied(denied, upgrade.offer.path, upgrade.peer)
    answer = denial(upgrade.offer.path, denied, request_id)
    headers = [("Content-Type", answer.media_type), ("Connection", "close"), *answer.headers]
    raw = [(name.encode(), value.encode()) for name, value in headers]
    await upgrade.reject(answer.status, extra_headers=raw, body=answer.body)


def log_denied(denied: Denied, path: str, address: str) -> None:
    """Log a refusal: where from and why, and of the key nothing but its name."""
    whose = {} if denied.key_name is None else {"key_name": denied.key_name}
    told = {"status": int(denied.status), "code": denied.code, "why": denied.message}
    logger.warning("request refused", extra={"peer": address, "path": path, **whose, **told})


def denied_response(request: Request, denied: Denied) -> Response:
    """Return the answer to a request that is denied, in the words of its path's service."""
    path, client = request.scope["path"], request.client
    log_denied(denied, path, "" if client is None else f"{client.host}:{client.port}")
    answer = denial(path, denied, str(uuid.uuid4()))
    return Response(answer.body, answer.status, dict(answer.headers), answer.media_type)


def has_operator_key(access: Access, request: Request) -> bool:
    """Whether a request comes with a key for operators; False where the server has no keys."""
    if not access.has_keys:
        return False
    granted = access.authorise(_presented(request), KeyScope.OPERATOR, trio.current_time())
    return not isinstance(granted, Denied)


def comes_from_here(request: Request) -> bool:
    """Whether a request was made on this machine, and through no proxy on it."""
    client = request.client
    is_direct = not any(name in request.headers for name in PROXY_HEADERS)
    return is_direct and client is not None and is_loopback_host(client.host)


class OperatorGate:
    """An ASGI application before another: what only operators may see is for them alone, where the server has keys."""

    def __init__(self, app: ASGIApp, *, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        denied = self._denied(Request(scope)) if scope["type"] == "http" else None
        if denied is None:
            await self._app(scope, receive, send)
        else:
            await denied_response(Request(scope), denied)(scope, receive, send)

    def _denied(self, request: Request) -> Denied | None:
        path = request.scope["path"]
        if not any(path == each or path.startswith(f"{each}/") for each in OPERATOR_PATHS) or _is_local(request):
            return None
        if path in PAGES and "text/html" in request.headers.get("accept", ""):
            return None  # the page itself tells nothing; what it shows is asked for again, as JSON
        granted = self._access.authorise(_presented(request), KeyScope.OPERATOR, trio.current_time())
        return granted if isinstance(granted, Denied) else None


def _presented(request: Request) -> str | None:
    """Return the key of a request. Its path is that of the scope: that of its URL depends on what ``Host`` says."""
    query = request.scope["query_string"].decode("latin-1")
    return presented_key(replace(read_offer("", request.headers.raw), path=request.scope["path"], query=query))


def _is_local(request: Request) -> bool:
    """Whether it comes from this machine itself, and by no name that somebody has made."""
    return comes_from_here(request) and asks_for_loopback(request.headers.raw)
