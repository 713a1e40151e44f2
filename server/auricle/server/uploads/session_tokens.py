"""The route that gives a page a short-lived token for a key, ``POST /v1/session-tokens``."""

import json
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from auricle.server.http.application import problem_response
from auricle.server.http.authorisation import authorise, denied_response
from auricle.server.http.negotiation import page_problem, read_offer
from auricle.server.keys.access import Denied
from auricle.server.uploads.doors import Doors

PATH: Final = "/v1/session-tokens"
NO_HEIR: Final = Denied(
    status=HTTPStatus.FORBIDDEN,
    code="forbidden",
    message="A session token opens sessions, and makes no further tokens: ask with the API key.",
)


def token_routes(doors: Doors) -> list[BaseRoute]:
    """Return the route: 204 where the server has no keys, and no token is needed."""

    async def serve(request: Request) -> Response:
        offer = read_offer(request.url.path, request.headers.raw)
        problem = page_problem(offer, allowed_origins=doors.allowed_origins, loopback_only=doors.loopback_only)
        if problem is not None:
            return problem_response(problem)
        granted = authorise(doors.access, request)
        if isinstance(granted, Denied):
            return denied_response(request, granted)
        if granted.by_token:
            return denied_response(request, NO_HEIR)
        made = doors.access.token(granted)
        if made is None:
            return Response(status_code=HTTPStatus.NO_CONTENT)
        token, expires = made
        document = {"token": token, "expires_at": expires.isoformat().replace("+00:00", "Z")}
        return Response(json.dumps(document), media_type="application/json", headers={"Cache-Control": "no-store"})

    return [Route(PATH, serve, methods=["POST"])]
