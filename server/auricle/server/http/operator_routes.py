"""Routes for operators: liveness (``/healthz``), readiness (``/readyz``), and the front page (``/``)."""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from auricle.core import PROTOCOL
from auricle.server.http.negotiation import WEBSOCKET_PATHS
from auricle.server.http.problem_details import Problem
from auricle.server.http.routing import Request, Response, Routes, problem_response

HEALTH_PATHS: Final = ("/healthz", "/readyz")
"""Paths for probes, which are answered also where there is no free connection."""

Ready = Callable[[], tuple[bool, str]]
"""Returns whether a new session would be served now, and one sentence on why or why not."""


def operator_routes(ready: Ready) -> Routes:
    """Return the routes of ``/``, ``/healthz``, ``/readyz``, and a 426 response for every WebSocket path."""

    async def readyz(_request: Request) -> Response:
        is_ready, why = ready()
        if is_ready:
            return _json({"status": "ready", "detail": why})
        problem = Problem(status=HTTPStatus.SERVICE_UNAVAILABLE, code="engine_unavailable", detail=why)
        return problem_response(problem)

    pages = {"/": {"GET": _front_page}, "/healthz": {"GET": _healthz}, "/readyz": {"GET": readyz}}
    return pages | {path: {"GET": _upgrade_required} for path in WEBSOCKET_PATHS}


async def _healthz(_request: Request) -> Response:
    return _json({"status": "ok"})


async def _front_page(_request: Request) -> Response:
    lines = ["Auricle: self-hosted real-time speech-to-text.", ""]
    lines += [f"WebSocket  {path}  (subprotocol {PROTOCOL})" for path in WEBSOCKET_PATHS]
    lines += ["Alive      /healthz", "Ready      /readyz", ""]
    return Response(content_type="text/plain; charset=utf-8", body="\n".join(lines).encode())


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


def _json(document: dict[str, str]) -> Response:
    return Response(content_type="application/json", body=json.dumps(document).encode())
