"""What is no recording is told in one sentence, with what it is where that can be known."""

import gzip
import io
import zipfile

import pytest

from auricle.server.recordings.no_audio import REMEDY, UNKNOWN, not_audio


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("notes.txt", "hello")
    return file.getvalue()


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "it is not audio but a PDF document"),
        (archive(), "it is not audio but a ZIP archive or an office document"),
        (gzip.compress(b"hello", mtime=0), "it is not audio but a gzip archive"),
        (b"\x89PNG\r\n\x1a\n", "it is not audio but a picture"),
        (b"\xff\xd8\xff\xe0", "it is not audio but a picture"),
        (b"\xef\xbb\xbf\n<!DOCTYPE HTML>", "it is not audio but a web page"),
        (b'{"error": "no such file"}', "it is not audio but text"),
        ("Grüße\r\n".encode(), "it is not audio but text"),
        (b"x" * 511 + "ü".encode(), "it is not audio but text"),
        (bytes(100), UNKNOWN),
        (b"\xe9t\xe9", UNKNOWN),
        (b"", UNKNOWN),
    ],
)
def test_what_it_is(head: bytes, problem: str) -> None:
    assert not_audio(head) == (problem, REMEDY)
