"""The routes by which an operator loads and unloads models while the server runs.

::

    curl HOST/admin/models                                                          # what there is
    curl HOST/admin/models -H 'Content-Type: application/json' -d '{"model": "base"}'
    curl -X DELETE HOST/admin/models/base

They are answered to programs of this machine, and where the server has keys to those that are for operators. Without
such a key, who comes through a proxy is refused wherever the proxy is, because all of its clients would look as if they
were here; and so is every page, because a browser here may have come from anywhere.
"""

import json
from collections.abc import Awaitable, Callable
from functools import partial, wraps
from http import HTTPStatus
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from auricle.server.http.application import problem_response
from auricle.server.http.authorisation import comes_from_here
from auricle.server.http.problem_details import Problem
from auricle.server.models.pool import ModelPool, ModelRefused
from auricle.server.models.served_model import ServedModel

PATH: Final = "/admin/models"
MOST_BYTES: Final = 4_096
LONGEST_NAME: Final = 1_000
PAGE_HEADERS: Final = ("origin", "sec-fetch-site")
"""Headers of requests that come from a page."""

Describe = Callable[[ServedModel], dict[str, object]]
"""Returns the JSON object that tells of a model."""
Endpoint = Callable[[Request], Awaitable[Response]]


def admin_routes(
    models: ModelPool, describe: Describe, has_operator_key: Callable[[Request], bool] = lambda request: False
) -> list[BaseRoute]:
    """Return the routes."""
    guarded = partial(_guarded, has_operator_key)

    async def listed(_request: Request) -> Response:
        return _json({"models": [describe(model) for model in models]})

    async def load(request: Request) -> Response:
        name = await _asked_name(request)
        if isinstance(name, Problem):
            return problem_response(name)
        try:
            model = models.load(name)
        except ModelRefused as error:
            return _refused(HTTPStatus.CONFLICT, error)
        return _json(describe(model), HTTPStatus.ACCEPTED, {"Location": f"{PATH}/{model.name}"})

    async def one(request: Request) -> Response:
        name = request.path_params["name"]
        found = next((model for model in models if model.is_called(name)), None)
        return _missing(name) if found is None else _json(describe(found))

    async def unload(request: Request) -> Response:
        name = request.path_params["name"]
        if not any(model.is_called(name) for model in models):
            return _missing(name)
        try:
            model = models.unload(name)
        except ModelRefused as error:
            return _refused(HTTPStatus.CONFLICT, error)
        if not any(model is each for each in models):
            return Response(status_code=HTTPStatus.NO_CONTENT)
        return _json(describe(model), HTTPStatus.ACCEPTED)

    path = PATH + "/{name:path}"
    return [
        Route(PATH, guarded(listed), methods=["GET"]),
        Route(PATH, guarded(load), methods=["POST"]),
        Route(path, guarded(one), methods=["GET"]),
        Route(path, guarded(unload), methods=["DELETE"]),
    ]


def _guarded(has_operator_key: Callable[[Request], bool], endpoint: Endpoint) -> Endpoint:
    """Return an endpoint that refuses whoever is not of this machine and has no key for operators."""

    @wraps(endpoint)
    async def answered(request: Request) -> Response:
        if not _is_local(request) and not has_operator_key(request):
            why = "Models are loaded and unloaded from this machine (no proxy, no page), or with a key for operators."
            return problem_response(Problem(status=HTTPStatus.FORBIDDEN, code="forbidden", detail=why))
        return await endpoint(request)

    return answered


def _is_local(request: Request) -> bool:
    return comes_from_here(request) and not any(name in request.headers for name in PAGE_HEADERS)


async def _asked_name(request: Request) -> str | Problem:
    """Return the model that a request names, or the problem with it."""
    shape = 'Send {"model": "NAME"} with Content-Type: application/json.'
    if not request.headers.get("content-type", "").lower().startswith("application/json"):
        return Problem(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE, code="unsupported_data", detail=shape)
    try:
        body = json.loads(await _short_body(request))
    except (ValueError, RecursionError, ClientDisconnect):
        body = None
    name = body.get("model") if isinstance(body, dict) else None
    if not isinstance(name, str) or not 0 < len(name.strip()) <= LONGEST_NAME:
        return Problem(status=HTTPStatus.BAD_REQUEST, code="bad_request", detail=shape)
    return name.strip()


async def _short_body(request: Request) -> bytes:
    """Return the body. Raises `ValueError` for one of more than `MOST_BYTES`."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise ValueError("too long")
    return body


def _missing(name: str) -> Response:
    detail = f"There is no model {name[:100]!r} here; GET {PATH} lists what there is."
    return problem_response(Problem(status=HTTPStatus.NOT_FOUND, code="not_found", detail=detail))


def _refused(status: HTTPStatus, error: ModelRefused) -> Response:
    return problem_response(Problem(status=status, code="conflict", detail=str(error)))


def _json(document: object, status: int = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(document), status, headers, media_type="application/json")
