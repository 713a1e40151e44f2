"""What is said of a file that is no recording: what it is instead, where its first bytes tell that."""

import codecs
from typing import Final

HEAD_BYTES: Final = 512
"""Bytes that are looked at."""
REMEDY: Final = "give a recording, such as WAV, MP3, M4A or MP4"
UNKNOWN: Final = "it is not audio, or it has no header or a damaged one"
_BEGINNINGS: Final = {
    b"%PDF-": "a PDF document",
    b"PK\x03\x04": "a ZIP archive or an office document",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x89PNG\r\n": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"MThd": "notes for instruments (MIDI)",
}
_PAGES: Final = (b"<!doctype html", b"<html")


def not_audio(head: bytes) -> tuple[str, str]:
    """Return the problem and the remedy of a file that nothing can read, and that begins with ``head``."""
    what = _what(head[:HEAD_BYTES])
    return (UNKNOWN if what is None else f"it is not audio but {what}"), REMEDY


def _what(head: bytes) -> str | None:
    known = next((what for beginning, what in _BEGINNINGS.items() if head.startswith(beginning)), None)
    if known is not None or not _is_text(head):
        return known
    return "a web page" if head.lstrip(codecs.BOM_UTF8).lstrip().lower().startswith(_PAGES) else "text"


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)  # its last character may be cut
    except UnicodeDecodeError:
        return False
    return bool(text) and all(each.isprintable() or each.isspace() for each in text)
