"""The HTTP application: Starlette's routing, with errors as problem details (RFC 9457)."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from auricle.server.http.problem_details import PROBLEM_JSON, SERVER_FAILED, Problem


def application(
    routes: Sequence[BaseRoute], *, allowed_origins: Sequence[str] = (), inner: Sequence[Middleware] = ()
) -> Starlette:
    """Return an ASGI application of these routes, whose answers pages of ``allowed_origins`` may read.

    ``inner`` is middleware between the two.
    """
    cors = Middleware(CORSMiddleware, allow_origins=allowed_origins, allow_methods=["GET", "POST"], allow_headers=["*"])
    app = Starlette(
        routes=routes,
        middleware=[*([cors] if allowed_origins else []), *inner],
        exception_handlers={HTTPException: _refused, ClientDisconnect: _gone, Exception: _failed},
    )
    app.router.redirect_slashes = False
    return app


def problem_response(problem: Problem) -> Response:
    """Return the response for a problem on a connection that stays open."""
    return Response(problem.body, problem.status, dict(problem.extra_headers), PROBLEM_JSON)


def methods_at(request: Request) -> set[str]:
    """Return the methods of all routes for the path of a request, which Starlette asks of the first one alone."""
    routes = (route for route in request.app.routes if isinstance(route, Route))
    return {method for route in routes if route.path_regex.match(request.url.path) for method in route.methods or ()}


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            code, detail = "not_found", "There is nothing at this path."
        case HTTPStatus.METHOD_NOT_ALLOWED:
            known = sorted(methods_at(request))
            headers["Allow"] = ", ".join(known)
            code, detail = "method_not_allowed", f"This path knows {' and '.join(known)}."
        case _:
            code, detail = "bad_request", error.detail
    return problem_response(
        Problem(status=error.status_code, code=code, detail=detail, extra_headers=tuple(headers.items()))
    )


async def _gone(_request: Request, _error: Exception) -> Response:
    return Response()  # nobody is there to read it


async def _failed(_request: Request, _error: Exception) -> Response:
    return problem_response(replace(SERVER_FAILED, extra_headers=(("Connection", "close"),)))
