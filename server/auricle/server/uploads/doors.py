"""What the routes of uploads have in common: what they need of a server, and how they refuse a request."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from auricle.server.dialects.document import BadRequest, Failure
from auricle.server.http.authorisation import authorise, denied_response
from auricle.server.http.negotiation import page_problem, read_offer
from auricle.server.http.operator_routes import Endpoint
from auricle.server.keys.access import Access, Denied
from auricle.server.recordings.decoder_process import DecoderProcess
from auricle.server.sessions.caller import Caller
from auricle.server.uploads.answering import OpenSession, Render, refuse
from auricle.server.uploads.forms import TooLarge


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What the routes of uploads need of a server."""

    open_session: OpenSession
    access: Access
    decoders: DecoderProcess
    models: Callable[[], tuple[str, ...]]
    """Returns the names of the models that are loaded, the default one first."""
    max_upload_bytes: int
    """Most bytes of a form, which is stored before it is heard."""
    allowed_origins: tuple[str, ...] = ()
    loopback_only: bool = False
    """Whether the server is bound to the loopback, so that a page must have asked for it by a loopback name."""


Serve = Callable[[Request, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Door:
    """An ASGI application for one path: refuses strangers' pages and bad requests, and serves the others.

    ``serve`` raises `BadRequest` and `TooLarge` for a request that it cannot serve, before it has sent anything.
    """

    doors: Doors
    serve: Serve
    failed: Render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        failure = self._page_refused(request)
        if failure is None:
            granted = authorise(self.doors.access, request)
            denied = granted if isinstance(granted, Denied) else self.doors.access.too_many(granted)
            if denied is not None:
                await denied_response(request, denied)(scope, receive, send)
                return
            request.state.grant = granted
            try:
                await self.serve(request, send)
            except BadRequest as error:
                status, code = HTTPStatus.BAD_REQUEST, "invalid_value"
                failure = Failure(status=status, code=code, message=str(error), param=error.param)
            except TooLarge as error:
                status, code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large"
                failure = Failure(status=status, code=code, message=str(error), param="file")
        if failure is not None:
            await refuse(failure, self.failed, send)

    def _page_refused(self, request: Request) -> Failure | None:
        offer = read_offer(request.url.path, request.headers.raw)
        doors = self.doors
        problem = page_problem(offer, allowed_origins=doors.allowed_origins, loopback_only=doors.loopback_only)
        if problem is None:
            return None
        return Failure(status=problem.status, code=problem.code, message=problem.detail)


def for_key_holders(doors: Doors, endpoint: Endpoint) -> Endpoint:
    """Return an endpoint that answers those whose key lets them in."""

    async def answer(request: Request) -> Response:
        granted = authorise(doors.access, request)
        if isinstance(granted, Denied):
            return denied_response(request, granted)
        return await endpoint(request)

    return answer


def caller_of(request: Request) -> Caller:
    """Return who sends a request that a `Door` has let in."""
    address = "" if request.client is None else f"{request.client.host}:{request.client.port}"
    return Caller(address, request.state.grant)
