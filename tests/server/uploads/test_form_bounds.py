"""Forms that are bombs: what is kept in memory of them is bounded, and the answer is one sentence."""

from collections.abc import Iterator, Sequence

import pytest
import trio
from starlette.requests import Request
from starlette.types import Message

from auricle.server.dialects.document import BadRequest
from auricle.server.uploads.forms import MOST_FIELD_BYTES, MOST_FIELDS, MOST_FIELDS_BYTES, Form, read_form

FILE = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF\r\n'
END = b"--x--\r\n"


def field(size: int) -> bytes:
    return b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"y" * size + b"\r\n"


def form_of(pieces: Sequence[bytes]) -> Form:
    coming: Iterator[bytes] = iter(pieces)

    async def receive() -> Message:
        body = next(coming, None)
        return {"type": "http.request", "body": body or b"", "more_body": body is not None}

    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    return trio.run(read_form, Request(scope, receive), 1 << 30)


BOMBS = {
    "fields that are small enough one by one": (
        [field(MOST_FIELD_BYTES - 1)] * (MOST_FIELDS_BYTES // MOST_FIELD_BYTES + 1),
        "fields of the form",
    ),
    "a field that is too large": ([field(MOST_FIELD_BYTES + 1)], "maximum size"),
    "too many fields": ([field(1) * (MOST_FIELDS + 1)], "Too many fields"),
    "too many files": ([FILE * 2], "Too many files"),
    "a header that does not end": ([b"--x\r\nX: ", *[b"y" * 65_536] * 20], "cannot be read"),
    "too many headers": ([b"--x\r\n" + b"X: y\r\n" * 1_000], "cannot be read"),
}


@pytest.mark.parametrize(("pieces", "why"), BOMBS.values(), ids=BOMBS)
def test_a_form_that_is_a_bomb_is_refused(pieces: list[bytes], why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        form_of([*pieces, FILE, END])


def test_a_form_of_many_and_of_large_fields_is_taken() -> None:
    form = form_of([field(1) * (MOST_FIELDS - 2), field(MOST_FIELD_BYTES), field(MOST_FIELD_BYTES), FILE, END])
    assert len(form.fields) == MOST_FIELDS
    assert form.file.size == 4
