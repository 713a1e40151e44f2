"""The route of Deepgram's prerecorded audio, ``POST /v1/listen``."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import Send

from auricle.server.dialects.deepgram_prerecorded import PrerecordedDocument, error_object, read_request
from auricle.server.dialects.document import BadRequest, Failure
from auricle.server.recordings.apart import ApartRecording
from auricle.server.recordings.raw_audio import RawAudio
from auricle.server.uploads.answering import Render, Upload, answer
from auricle.server.uploads.bodies import read_body
from auricle.server.uploads.doors import Door, Doors, caller_of
from auricle.server.uploads.hearing import AudioChunks

NAME: Final = "the upload"


def _failed(failure: Failure) -> str:
    return json.dumps(error_object(failure, str(uuid.uuid4())))


FAILED: Final = Render(_failed)


def deepgram_routes(doors: Doors) -> list[BaseRoute]:
    """Return the route."""
    return [Route("/v1/listen", Door(doors, partial(_serve, doors), FAILED), methods=["POST"])]


async def _serve(doors: Doors, request: Request, send: Send) -> None:
    asked = read_request(request.url.query, doors.models())
    if request.headers.get("content-type", "").lower().startswith("application/json"):
        raise BadRequest("Nothing is fetched from the network here: send the recording itself, and no URL of it.")
    body = await read_body(request)
    opened: Callable[[], AudioChunks] = partial(ApartRecording.open, doors.decoders, body.file, NAME)
    if asked.is_raw:
        opened = partial(RawAudio, body.file, asked.start.audio)
    upload = Upload(
        name=NAME,
        open=opened,
        start=asked.start,
        document=PrerecordedDocument(
            request=asked,
            request_id=str(uuid.uuid4()),
            created=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            sha256=lambda: body.sha256,
        ),
        failed=FAILED,
        body=body,
    )
    await answer(upload, doors.open_session, caller_of(request), request.receive, send)
