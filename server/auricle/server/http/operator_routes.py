"""Routes for operators: liveness (``/healthz``), readiness (``/readyz``), and ``/status``."""

import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from auricle.server.dialects.paths import DIALECTS
from auricle.server.http.application import methods_at, problem_response
from auricle.server.http.negotiation import WEBSOCKET_PATHS
from auricle.server.http.problem_details import Problem

HEALTH_PATHS: Final = ("/healthz", "/readyz")
"""Paths for probes, which are answered also where there is no free connection."""

Ready = Callable[[], tuple[bool, str]]
"""Returns whether new sessions should be sent here now, and one sentence on why or why not."""
Endpoint = Callable[[Request], Awaitable[Response]]


def operator_routes(ready: Ready) -> list[BaseRoute]:
    """Return the routes of ``/healthz``, ``/readyz``, and a 426 response for every WebSocket path."""

    async def readyz(_request: Request) -> Response:
        is_ready, why = ready()
        if is_ready:
            return _json({"status": "ready", "detail": why})
        problem = Problem(status=HTTPStatus.SERVICE_UNAVAILABLE, code="engine_unavailable", detail=why)
        return problem_response(problem)

    probes = [Route("/healthz", _healthz), Route("/readyz", readyz)]
    return [*probes, *(Route(path, _upgrade_required) for path in (*WEBSOCKET_PATHS, *DIALECTS))]


def status_routes(status: Callable[[], Mapping[str, object]], page: Endpoint) -> list[BaseRoute]:
    """Return the route of ``/status``: JSON for programs, and for browsers the page that shows it live."""

    async def status_or_page(request: Request) -> Response:
        # Programs do not name HTML among what they accept.
        if "text/html" in request.headers.get("accept", ""):
            return await page(request)
        return _json(status(), {"Vary": "Accept"})

    return [Route("/status", status_or_page)]


async def _healthz(_request: Request) -> Response:
    return _json({"status": "ok"})


async def _upgrade_required(request: Request) -> Response:
    # RFC 9110 §15.5.22: a 426 names the protocol it wants, and §7.8: Upgrade is a connection option.
    path, scheme = request.url.path, "wss" if request.url.scheme == "https" else "ws"
    also = " and ".join(sorted(methods_at(request) - {"GET", "HEAD"}))
    recording = f"; a whole recording is sent here with {also}" if also else ""
    return problem_response(
        Problem(
            status=HTTPStatus.UPGRADE_REQUIRED,
            code="upgrade_required",
            detail=f"{path} is a WebSocket: open it with a WebSocket client, as {scheme}://HOST{path}{recording}.",
            extra_headers=(("Upgrade", "websocket"), ("Connection", "Upgrade")),
        )
    )


def _json(document: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Response:
    return Response(json.dumps(document), headers=headers, media_type="application/json")
