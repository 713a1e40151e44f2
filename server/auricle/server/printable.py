"""Sanitising of untrusted text for terminals: no control characters in transcripts, messages and file names.

An ESC in them could rewrite the screen or the window title, and a bidirectional override could display another
sentence than the one that is there.
"""

import re
from typing import Final, TextIO

_BREAKS: Final = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_SURROGATES: Final = re.compile(r"[\ud800-\udfff]")
UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""C0 and C1 controls, DEL, line and paragraph separators, bidirectional embeddings, overrides and isolates, the byte
order mark, and lone surrogates (which no encoding can write). Left-to-right and right-to-left *marks* stay: ordinary
Arabic and Hebrew text has them."""


def printable(text: str) -> str:
    """Return ``text`` as one line without control characters: breaks and tabs become a space, others are removed."""
    return UNSAFE.sub("", _BREAKS.sub(" ", text))


def valid_unicode(name: str) -> str:
    """Return a file name with U+FFFD for every byte of it that is no UTF-8; Python holds such a byte as a surrogate."""
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", name)


def encodable(text: str, stream: TextIO) -> str:
    """Return ``text`` with ``?`` for every character that the encoding of ``stream`` cannot encode."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def write_line(stream: TextIO, text: str) -> None:
    """Write ``text`` as one line, and flush."""
    stream.write(encodable(text, stream) + "\n")
    stream.flush()
