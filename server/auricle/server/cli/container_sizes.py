"""The size that a container says it has, to find out whether a file is whole. libsndfile and FFmpeg hide it."""

import io
from typing import BinaryIO, Final

from auricle.server.cli.wav import STREAMED_FROM

HEAD_BYTES: Final = 64
MATROSKA: Final = b"\x1a\x45\xdf\xa3"
SEGMENT: Final = b"\x18\x53\x80\x67"
OGG_PAGE: Final = b"OggS"
OGG_LAST: Final = 4
"""The flag of a stream's last page (RFC 3533 §6)."""
MAX_OGG_PAGE: Final = 65_307


def missing_bytes(file: BinaryIO) -> int:
    """Return how many bytes of a seekable file are missing, or 0 where its format does not say. Rewinds it."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(HEAD_BYTES)
    promised = _mp4_bytes(file, size) if head[4:8] == b"ftyp" else promised_bytes(head)
    file.seek(0)
    return max(0, promised - size)


def promised_bytes(head: bytes) -> int:
    """Return the file size that a header of `HEAD_BYTES` declares; 0 where its format has none, or left it open."""
    size = 0
    if head[:4] == b"FORM":  # AIFF
        size = int.from_bytes(head[4:8], "big") + 8
    elif head[:4] == b"RIFF":
        size = int.from_bytes(head[4:8], "little") + 8
    elif head[:8] == b"RF64\xff\xff\xff\xff" and head[12:16] == b"ds64":
        return int.from_bytes(head[20:28], "little") + 8
    elif head[:4] == b".snd":  # AU
        size = int.from_bytes(head[4:8], "big") + int.from_bytes(head[8:12], "big")
    elif head[:4] == MATROSKA:
        return _matroska_bytes(head)
    return size if size < STREAMED_FROM else 0


def ogg_is_whole(file: BinaryIO) -> bool:
    """Whether the last page of a seekable Ogg file is there, and marked as the last one. Rewinds it."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - MAX_OGG_PAGE))
    tail = file.read(MAX_OGG_PAGE)
    file.seek(0)
    page = tail[tail.rfind(OGG_PAGE) :]
    if page[:4] != OGG_PAGE or len(page) < 27:
        return False
    lacing = page[27 : 27 + page[26]]
    return bool(page[5] & OGG_LAST) and len(page) >= 27 + page[26] + sum(lacing)


def _mp4_bytes(file: BinaryIO, size: int) -> int:
    """Return where the last top-level box of an MP4 ends (ISO 14496-12 §4.2)."""
    at = 0
    while at < size:
        file.seek(at)
        header = file.read(16)
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:], "big")
        if length < 8:  # 0: up to the end of the file; or no box at all
            return 0
        at += length
    return at


def _matroska_bytes(head: bytes) -> int:
    """Return where the segment of a Matroska or WebM file ends (RFC 8794 §4); 0 where it was streamed."""
    at, length = 4, _vint(head[4:])
    if length is None:
        return 0
    at += length[1] + length[0]
    if head[at : at + 4] != SEGMENT:
        return 0
    segment = _vint(head[at + 4 :])
    return 0 if segment is None else at + 4 + segment[1] + segment[0]


def _vint(data: bytes) -> tuple[int, int] | None:
    """Return a variable-length integer and its length in bytes; None where all its bits say "unknown"."""
    if not data or not data[0]:
        return None
    length = 9 - data[0].bit_length()
    value = int.from_bytes(data[:length], "big") & ((1 << 7 * length) - 1)
    return None if value == (1 << 7 * length) - 1 else (value, length)
