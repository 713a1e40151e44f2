"""The route of ``/v1/transcribe``: ``curl -T talk.m4a ADDRESS``, or ``--data-binary``, or a form with a file."""

from functools import partial
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import Send

from auricle.server.dialects.document import Failure
from auricle.server.dialects.streamed_documents import read_request
from auricle.server.http.problem_details import PROBLEM_JSON, Problem
from auricle.server.recordings.apart import ApartRecording
from auricle.server.uploads.answering import Render, Upload, answer
from auricle.server.uploads.bodies import read_body
from auricle.server.uploads.doors import Door, Doors, caller_of
from auricle.server.uploads.forms import read_form

NAME: Final = "the upload"
METHODS: Final = ("POST", "PUT")


def _failed(failure: Failure) -> str:
    return Problem(status=HTTPStatus(failure.status), code=failure.code, detail=failure.message).body.decode()


FAILED: Final = Render(_failed, PROBLEM_JSON)


def transcribe_routes(doors: Doors) -> list[BaseRoute]:
    """Return the route, also with the name behind it that ``curl -T`` appends to an address that ends in ``/``."""
    door = Door(doors, partial(_serve, doors), FAILED)
    paths = ("/v1/transcribe", "/v1/transcribe/", "/v1/transcribe/{name}")
    return [Route(path, door, methods=METHODS) for path in paths]


async def _serve(doors: Doors, request: Request, send: Send) -> None:
    asked = read_request(request.url.query, request.headers.get("accept", ""))
    name = request.path_params.get("name", NAME)
    whole = partial(Upload, start=asked.start, document=asked.document, failed=FAILED)
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        form = await read_form(request, doors.max_upload_bytes)
        try:
            name = form.file.filename or name
            upload = whole(
                name=name,
                open=partial(ApartRecording.open, doors.decoders, form.file.file, name, channel=asked.channel),
            )
            await answer(upload, doors.open_session, caller_of(request), request.receive, send)
        finally:
            await form.file.close()
        return
    body = await read_body(request)
    opened = partial(ApartRecording.open, doors.decoders, body.file, name, channel=asked.channel)
    upload = whole(name=name, open=opened, body=body)
    await answer(upload, doors.open_session, caller_of(request), request.receive, send)
