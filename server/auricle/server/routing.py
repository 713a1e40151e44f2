"""Which function answers which request: a plain table."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from auricle.server.problem import PROBLEM_JSON, Problem


@dataclass(frozen=True, slots=True)
class Request:
    """A request without its body, which this table's functions do not want."""

    method: str
    path: str
    """Without the query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A whole response, held in memory."""

    status: int = HTTPStatus.OK
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


Handler = Callable[[Request], Awaitable[Response]]
Routes = Mapping[str, Mapping[str, Handler]]
"""Path, then method. A GET answers HEAD as well; its body is left out on the way."""


async def answer(routes: Routes, request: Request) -> Response:
    """Answer a request by the table, or with 404 or 405."""
    methods = routes.get(request.path)
    if methods is None:
        return problem_response(
            Problem(status=HTTPStatus.NOT_FOUND, code="not_found", detail="There is nothing at this path.")
        )
    handler = methods.get("GET" if request.method == "HEAD" else request.method)
    if handler is None:
        allowed = sorted({*methods, *(["HEAD"] if "GET" in methods else [])})
        return problem_response(
            Problem(
                status=HTTPStatus.METHOD_NOT_ALLOWED,
                code="method_not_allowed",
                detail=f"This path knows {' and '.join(allowed)}.",
                extra_headers=(("Allow", ", ".join(allowed)),),
            )
        )
    return await handler(request)


def problem_response(problem: Problem) -> Response:
    """Say a problem on a connection that stays open."""
    return Response(status=problem.status, content_type=PROBLEM_JSON, body=problem.body, headers=problem.extra_headers)
