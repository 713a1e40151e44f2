"""Routing of HTTP requests: a table of handlers by path and method."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from auricle.server.http.problem_details import PROBLEM_JSON, Problem


@dataclass(frozen=True, slots=True)
class Request:
    """A request without its body, which the responder discards."""

    method: str
    path: str
    """Without the query."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By name in lower case; values of one name are joined by commas (RFC 9110 §5.3)."""

    @property
    def wants_html(self) -> bool:
        """Whether a person asks, by a browser: programs do not name HTML among what they accept."""
        return "text/html" in self.headers.get("accept", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A whole response, held in memory."""

    status: int = HTTPStatus.OK
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    cache_control: str = "no-store"


Handler = Callable[[Request], Awaitable[Response]]
Routes = Mapping[str, Mapping[str, Handler]]
"""Path to method to handler. A GET handler answers HEAD too; the responder leaves out the body."""


async def answer(routes: Routes, request: Request) -> Response:
    """Call the handler of a request and return its response; 404 or 405 where there is none."""
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
    """Return the response for a problem on a connection that stays open."""
    return Response(status=problem.status, content_type=PROBLEM_JSON, body=problem.body, headers=problem.extra_headers)
