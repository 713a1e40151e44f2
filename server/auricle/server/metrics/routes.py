"""The route of ``/metrics``."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from auricle.server.metrics.registry import ServerMetrics

PATH: Final = "/metrics"


def metrics_routes(metrics: ServerMetrics) -> list[BaseRoute]:
    """Return the route: Prometheus' text, or OpenMetrics for those who ask for it."""

    async def serve(request: Request) -> Response:
        body, media_type = metrics.exposition(request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": media_type, "Cache-Control": "no-store", "Vary": "Accept"})

    return [Route(PATH, serve)]
