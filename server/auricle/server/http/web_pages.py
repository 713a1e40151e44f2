"""The pages: static files of ``server/web``, read once, with the headers that make a browser careful with them."""

from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from auricle.server.http.routing import Handler, Request, Response, Routes

CONTENT_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".mjs": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
    }
)
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing from elsewhere, nothing inline, and no frame around it: what is said here is nobody else's."""
SAFETY: Final = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("Permissions-Policy", "microphone=(self), camera=(), geolocation=()"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
ASSETS: Final = "/web/"
"""Path of everything that a page loads."""


def page_routes() -> Routes:
    """Return the routes of ``/`` and of what the pages load."""
    routes: dict[str, Mapping[str, Handler]] = {"/": {"GET": page("index.html")}}
    for name in sorted(each.name for each in files("auricle.server").joinpath("web").iterdir() if each.is_file()):
        if not name.endswith(".html"):
            routes[ASSETS + name] = {"GET": page(name)}
    return routes


def page(name: str) -> Handler:
    """Return a handler that answers with a file of ``server/web``, or 304 to whoever has it already."""
    body = files("auricle.server").joinpath("web", name).read_bytes()
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    content_type = CONTENT_TYPES[name[name.rindex(".") :]]
    headers = (*SAFETY, ("ETag", tag), ("Vary", "Accept"))

    async def answer(request: Request) -> Response:
        known = (each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(","))
        unchanged = tag in known
        return Response(
            status=HTTPStatus.NOT_MODIFIED if unchanged else HTTPStatus.OK,
            content_type=content_type,
            body=b"" if unchanged else body,
            headers=headers,
            cache_control="no-cache",  # asked for again each time, and sent again only where it has changed
        )

    return answer
