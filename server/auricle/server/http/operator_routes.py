"""Routes for operators: liveness (``/healthz``), readiness (``/readyz``), and ``/status``."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from auricle.server.http.negotiation import WEBSOCKET_PATHS
from auricle.server.http.problem_details import Problem
from auricle.server.http.routing import Handler, Request, Response, Routes, problem_response

HEALTH_PATHS: Final = ("/healthz", "/readyz")
"""Paths for probes, which are answered also where there is no free connection."""

Ready = Callable[[], tuple[bool, str]]
"""Returns whether new sessions should be sent here now, and one sentence on why or why not."""


def operator_routes(ready: Ready) -> Routes:
    """Return the routes of ``/healthz``, ``/readyz``, and a 426 response for every WebSocket path."""

    async def readyz(_request: Request) -> Response:
        is_ready, why = ready()
        if is_ready:
            return _json({"status": "ready", "detail": why})
        problem = Problem(status=HTTPStatus.SERVICE_UNAVAILABLE, code="engine_unavailable", detail=why)
        return problem_response(problem)

    probes = {"/healthz": {"GET": _healthz}, "/readyz": {"GET": readyz}}
    return probes | {path: {"GET": _upgrade_required} for path in WEBSOCKET_PATHS}


def status_routes(status: Callable[[], Mapping[str, object]], page: Handler) -> Routes:
    """Return the route of ``/status``: JSON for programs, and for browsers the page that shows it live."""

    async def status_or_page(request: Request) -> Response:
        if request.wants_html:
            return await page(request)
        return replace(_json(status()), headers=(("Vary", "Accept"),))

    return {"/status": {"GET": status_or_page}}


async def _healthz(_request: Request) -> Response:
    return _json({"status": "ok"})


async def _upgrade_required(request: Request) -> Response:
    # RFC 9110 §15.5.22: a 426 names the protocol it wants, and §7.8: Upgrade is a connection option.
    return problem_response(
        Problem(
            status=HTTPStatus.UPGRADE_REQUIRED,
            code="upgrade_required",
            detail=f"{request.path} is a WebSocket.",
            extra_headers=(("Upgrade", "websocket"), ("Connection", "Upgrade")),
        )
    )


def _json(document: Mapping[str, object]) -> Response:
    return Response(content_type="application/json", body=json.dumps(document).encode())
