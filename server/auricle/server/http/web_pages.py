"""The pages: static files of ``server/web``, with the headers that make a browser careful with them."""

import os
from collections.abc import Mapping
from http import HTTPStatus
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from auricle.server.http.operator_routes import Endpoint

CONTENT_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".mjs": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
    }
)
"""Stated, because the standard library takes them from the machine that it runs on."""
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing from elsewhere, nothing inline, and no frame around it: what is said here is nobody else's."""
SAFETY: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Vary": "Accept",
    "Cache-Control": "no-cache",  # asked for again each time, and sent again only where it has changed
}


class _Pages(StaticFiles):
    """The files of ``server/web``, each with the headers of `SAFETY`."""

    def __init__(self) -> None:
        super().__init__(directory=str(files("auricle.server").joinpath("web")))

    def file_response(
        self, full_path: os.PathLike[str] | str, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(SAFETY)
        if response.status_code == HTTPStatus.OK:
            response.headers["Content-Type"] = CONTENT_TYPES[os.path.splitext(full_path)[1]]
        return response


def page_routes() -> list[BaseRoute]:
    """Return the routes of ``/`` and of what the pages load."""
    pages = _Pages()

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name.endswith(".html"):
            raise HTTPException(HTTPStatus.NOT_FOUND)  # a page has a path of its own
        return await pages.get_response(name, request.scope)

    return [Route("/", page("index.html")), Route("/web/{name}", asset)]


def page(name: str) -> Endpoint:
    """Return an endpoint that answers with a file of ``server/web``, or 304 to whoever has it already."""
    pages = _Pages()

    async def answer(request: Request) -> Response:
        return await pages.get_response(name, request.scope)

    return answer
