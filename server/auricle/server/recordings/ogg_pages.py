"""The pages of an Ogg stream (RFC 3533 §6): whether it comes to its end, and whether another one was appended."""

import io
from collections.abc import Iterator
from typing import BinaryIO, Final

OGG_PAGE: Final = b"OggS"
OGG_FIRST: Final = 2
"""The flag of a stream's first page."""
OGG_LAST: Final = 4
"""The flag of its last one."""
HEADER_BYTES: Final = 27
MAX_OGG_PAGE: Final = 65_307
MOST_PAGES: Final = 50_000
"""Pages that are looked at: hours of speech. In a GiB there may be forty million."""


def lacks_last_page(file: BinaryIO) -> bool:
    """Whether a seekable file is an Ogg stream without a page at its end that is marked as the last one. Rewinds it."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(len(OGG_PAGE))
    file.seek(max(0, size - MAX_OGG_PAGE))
    tail = file.read(MAX_OGG_PAGE)
    file.seek(0)
    return head == OGG_PAGE and not ends_with_last_page(tail)


def ends_with_last_page(tail: bytes) -> bool:
    """Whether the last bytes of an Ogg stream, `MAX_OGG_PAGE` of them, end in its last page."""
    page = tail[tail.rfind(OGG_PAGE) :]
    if page[:4] != OGG_PAGE or len(page) < HEADER_BYTES:
        return False
    lacing = page[HEADER_BYTES : HEADER_BYTES + page[26]]
    return bool(page[5] & OGG_LAST) and len(page) >= HEADER_BYTES + page[26] + sum(lacing)


def may_be_chained(file: BinaryIO) -> bool:
    """Whether a seekable file has an Ogg stream behind another one, as recorded radio has, or too many pages to know.

    Rewinds it.
    """
    has_begun = chained = False
    for number, flags in enumerate(_flags(file)):
        begins = bool(flags & OGG_FIRST)  # several may begin together: sound, and a picture
        chained = (has_begun and begins) or number == MOST_PAGES
        has_begun = has_begun or not begins
        if chained:
            break
    file.seek(0)
    return chained


def _flags(file: BinaryIO) -> Iterator[int]:
    """Yield the flags of each page, up to the first that is damaged."""
    at = 0
    while True:
        file.seek(at)
        header = file.read(HEADER_BYTES)
        if len(header) < HEADER_BYTES or not header.startswith(OGG_PAGE):
            return
        yield header[5]
        lacing = file.read(header[26])
        at += HEADER_BYTES + len(lacing) + sum(lacing)
