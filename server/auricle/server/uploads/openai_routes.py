"""The routes of OpenAI's transcriptions, translations and models."""

import json
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Send

from auricle.server.dialects.document import Failure
from auricle.server.dialects.openai_models import model_object, models_list
from auricle.server.dialects.openai_transcriptions import Task, error_object, read_request
from auricle.server.recordings.apart import ApartRecording
from auricle.server.uploads.answering import Render, Upload, answer
from auricle.server.uploads.doors import Door, Doors, caller_of, for_key_holders
from auricle.server.uploads.forms import read_form


def _failed(failure: Failure) -> str:
    return json.dumps(error_object(failure))


FAILED: Final = Render(_failed)


def openai_routes(doors: Doors) -> list[BaseRoute]:
    """Return the routes."""

    async def models(_request: Request) -> Response:
        return _json(models_list(doors.models()))

    async def model(request: Request) -> Response:
        name = request.path_params["name"]
        found = model_object(name, doors.models())
        if found is not None:
            return _json(found)
        message = f"There is no model {name[:100]!r} here; /v1/models lists what there is."
        return _json(error_object(Failure(status=404, code="model_not_found", message=message, param="model")), 404)

    return [
        Route("/v1/audio/transcriptions", _door(doors, "transcribe"), methods=["POST"]),
        Route("/v1/audio/translations", _door(doors, "translate"), methods=["POST"]),
        Route("/v1/models", for_key_holders(doors, models)),
        Route("/v1/models/{name:path}", for_key_holders(doors, model)),
    ]


def _door(doors: Doors, task: Task) -> Door:
    return Door(doors, partial(_serve, doors, task), FAILED)


async def _serve(doors: Doors, task: Task, request: Request, send: Send) -> None:
    form = await read_form(request, doors.max_upload_bytes)
    try:
        asked = read_request(form.fields, task, doors.models())
        upload = Upload(
            name=form.file.filename or "the upload",
            open=partial(ApartRecording.open, doors.decoders, form.file.file, form.file.filename or "the upload"),
            start=asked.start,
            document=asked.document,
            failed=FAILED,
            warnings=asked.warnings,
        )
        await answer(upload, doors.open_session, caller_of(request), request.receive, send)
    finally:
        await form.file.close()


def _json(document: object, status: int = 200) -> Response:
    return Response(json.dumps(document), status, media_type="application/json")
