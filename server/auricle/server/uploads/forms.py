"""Multipart forms with one recording, which is stored on disk: fields that come behind it say how it is to be heard."""

from collections.abc import AsyncGenerator
from typing import Final, NamedTuple

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from auricle.server.dialects.document import BadRequest

MOST_FIELDS: Final = 1_000
MOST_FIELD_BYTES: Final = 256 * 1024
MOST_FIELDS_BYTES: Final = 1024 * 1024
"""Of all fields together: they are kept in memory, and a thousand of the largest would take a quarter of a GiB, and as
text four times as much."""


class TooLarge(Exception):
    """An upload has more bytes than are taken. The message is one sentence."""


class Form(NamedTuple):
    """A form that has come as a whole."""

    fields: list[tuple[str, str]]
    file: UploadFile


class _BoundedParser(MultiPartParser):
    """Starlette's parser, which bounds each field, but not all of them together."""

    def __init__(self, headers: Headers, stream: AsyncGenerator[bytes, None]) -> None:
        super().__init__(headers, stream, max_files=1, max_fields=MOST_FIELDS, max_part_size=MOST_FIELD_BYTES)
        self._field_bytes = 0

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._current_part.file is None:
            self._field_bytes += end - start
            if self._field_bytes > MOST_FIELDS_BYTES:
                raise MultiPartException(f"The fields of the form have more than {MOST_FIELDS_BYTES // 1024} KiB")
        super().on_part_data(data, start, end)


async def read_form(request: Request, most_bytes: int) -> Form:
    """Receive a form, and store its file. The caller closes it.

    Raises `BadRequest`, `TooLarge`, and `starlette.requests.ClientDisconnect`.
    """
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most_bytes:
        raise _too_large(most_bytes)
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise BadRequest("The request is no form: send multipart/form-data with the recording as file.", "file")
    parser = _BoundedParser(request.headers, _at_most(most_bytes, request))
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
