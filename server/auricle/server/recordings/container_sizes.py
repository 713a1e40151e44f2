"""The size that a container says it has, to find out whether a file is whole. libsndfile and FFmpeg hide it."""

import io
from typing import BinaryIO, Final

from auricle.server.recordings.mp3_index import ID3_HEAD_BYTES, id3_bytes, mp3_bytes, mp3_index
from auricle.server.recordings.ogg_pages import MAX_OGG_PAGE, OGG_PAGE, ends_with_last_page

STREAMED_FROM: Final = 0x7FFF_F000
"""Data sizes from here on mean "until the end": a program that writes to a pipe does not know the size (sox this,
arecord 2 GiB, ffmpeg 0xFFFFFFFF). 0 means the same where samples follow (GStreamer)."""
HEAD_BYTES: Final = 4_096
"""What is looked at from the first byte on; the tags of an MP3, and the pictures in them, come on top."""
MAX_ID3_BYTES: Final = 16 * 2**20
W64_RIFF: Final = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
"""The GUID that a Sony Wave64 file begins with."""
MATROSKA: Final = b"\x1a\x45\xdf\xa3"
SEGMENT: Final = b"\x18\x53\x80\x67"
MOST_BOXES: Final = 20_000
"""Boxes of an MP4 that are counted: hours of it in fragments. In a GiB there may be a hundred million."""


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
    elif head[:4] == b"caff":
        return _caf_bytes(head)
    elif head[:16] == W64_RIFF:
        size = int.from_bytes(head[16:24], "little")
    else:
        return mp3_bytes(head)
    return size if size < STREAMED_FROM else 0


class PassingBytes:
    """What passes by on a pipe, as far as it tells whether the recording is whole: head, tail and length."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._head_bytes = HEAD_BYTES
        self._tail = bytearray()
        self._length = 0
        self._ended = False

    def add(self, data: bytes) -> None:
        """Take the next bytes; none at the end."""
        self._ended = self._ended or not data
        self._length += len(data)
        if len(self._head) < self._head_bytes:
            self._head += data[: self._head_bytes - len(self._head)]
            if len(self._head) >= ID3_HEAD_BYTES:
                self._head_bytes = HEAD_BYTES + min(id3_bytes(self._head), MAX_ID3_BYTES)
        if self._head.startswith(OGG_PAGE):
            self._tail = (self._tail + data)[-MAX_OGG_PAGE:]

    @property
    def head(self) -> bytes:
        """The first bytes."""
        return bytes(self._head)

    def missing_bytes(self) -> int:
        """Return how many bytes are missing at the end; 0 before the end, and where the format does not say."""
        return max(0, promised_bytes(bytes(self._head)) - self._length) if self._ended else 0

    @property
    def mp3_samples(self) -> int | None:
        """How many samples of each channel were recorded, where it is an MP3 that says so."""
        return mp3_index(bytes(self._head)).samples

    def lacks_last_page(self) -> bool:
        """Whether it is an Ogg stream that has ended without its last page."""
        return self._ended and self._head.startswith(OGG_PAGE) and not ends_with_last_page(bytes(self._tail))


def _caf_bytes(head: bytes) -> int:
    """Return where the audio of a Core Audio file ends; 0 where it was streamed, or begins too far behind."""
    at = 8
    while at + 12 <= len(head):
        size = int.from_bytes(head[at + 4 : at + 12], "big", signed=True)
        if size < 0:
            return 0
        if head[at : at + 4] == b"data":
            return at + 12 + size
        at += 12 + size
    return 0


def _mp4_bytes(file: BinaryIO, size: int) -> int:
    """Return where the last top-level box of an MP4 ends (ISO 14496-12 §4.2); 0 where there are too many of them."""
    at = 0
    for _ in range(MOST_BOXES):
        if at >= size:
            return at
        file.seek(at)
        header = file.read(16)
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:], "big")
        if length < 8:  # 0: up to the end of the file; or no box at all
            return 0
        at += length
    return 0


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
