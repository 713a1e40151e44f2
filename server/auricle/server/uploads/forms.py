"""Multipart forms with one recording, which is stored on disk: fields that come behind it say how it is to be heard."""

from collections.abc import AsyncGenerator
from typing import Final, NamedTuple

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from auricle.server.dialects.document import BadRequest

MOST_FIELDS: Final = 1_000
MOST_FIELD_BYTES: Final = 256 * 1024


class TooLarge(Exception):
    """An upload has more bytes than are taken. The message is one sentence."""


class Form(NamedTuple):
    """A form that has come as a whole."""

    fields: list[tuple[str, str]]
    file: UploadFile


async def read_form(request: Request, most_bytes: int) -> Form:
    """Receive a form, and store its file. The caller closes it.

    Raises `BadRequest`, `TooLarge`, and `starlette.requests.ClientDisconnect`.
    """
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most_bytes:
        raise _too_large(most_bytes)
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise BadRequest("The request is no form: send multipart/form-data with the recording as file.", "file")
    parser = MultiPartParser(
        request.headers,
        _at_most(most_bytes, request),
        max_files=1,
        max_fields=MOST_FIELDS,
        max_part_size=MOST_FIELD_BYTES,
    )
    try:
        items = (await parser.parse()).multi_items()
    except MultiPartException as error:
        raise BadRequest(f"The form cannot be read: {error.message.rstrip('.')}.") from None
    file = next((value for _, value in items if isinstance(value, UploadFile)), None)
    if file is None:
        raise BadRequest("The form has no file: send the recording as the field file, with a file name.", "file")
    if not file.size:
        await file.close()
        raise BadRequest("The file is empty: send a recording.", "file")
    return Form([(name, value) for name, value in items if isinstance(value, str)], file)


async def _at_most(most_bytes: int, request: Request) -> AsyncGenerator[bytes, None]:
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > most_bytes:
            raise _too_large(most_bytes)
        yield chunk


def _too_large(most_bytes: int) -> TooLarge:
    return TooLarge(
        f"The upload has more than {most_bytes / 2**20:g} MiB, which are the most here: send it in parts, or "
        "compressed, or as the body of /v1/transcribe, which has no limit."
    )
