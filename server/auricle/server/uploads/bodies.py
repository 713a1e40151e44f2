"""Bodies that are a recording and nothing else: they are heard while they come."""

from collections.abc import AsyncIterator

from starlette.requests import Request

from auricle.server.dialects.document import BadRequest
from auricle.server.uploads.body_file import BodyFile


async def read_body(request: Request) -> BodyFile:
    """Return the body as a file, once its first bytes have come. Raises `BadRequest` where there are none."""
    chunks = request.stream()
    async for first in chunks:
        if first:
            return BodyFile(_with_first(first, chunks))
    raise BadRequest("The body is empty: send the bytes of a recording, as in `curl -T talk.m4a ADDRESS`.")


async def _with_first(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        if chunk:
            yield chunk
