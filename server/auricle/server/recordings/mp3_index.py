"""What an MP3 says of itself: the tag in front of it, and the index that encoders put into its first frame.

The index ("Xing", or "Info" where all frames are alike) has the number of frames and of bytes; behind it LAME and
FFmpeg say how many samples of silence the encoder has added at both ends.
"""

from typing import Final, NamedTuple

ID3: Final = b"ID3"
ID3_HEAD_BYTES: Final = 10
SLACK_BYTES: Final = 2 * 1_441
"""Bytes (two of the largest frames) by which the length in an MP3's first frame may be wrong."""
INDEX_WITHIN: Final = 64
"""Bytes of the first frame of an MP3 within which its index begins."""
SEEK_TABLE_BYTES: Final = 100
QUALITY_BYTES: Final = 4
ENCODERS: Final = (b"LAME", b"Lavf", b"Lavc")
"""How the names begin of encoders that say what they have added."""
ADDED_AT: Final = 21
"""Bytes from the name of the encoder to the samples that it has added: 12 bits in front, and 12 bits behind."""
MOST_ADDED: Final = 0xFFF
"""Samples that can be added behind: 12 bits."""
DECODER_DELAY: Final = 529
"""Samples by which every decoder is late: so many more are left out in front, and as many fewer behind."""
MPEG_1: Final = 3
"""The version of frames of 1152 samples; others have 576."""


class Mp3Index(NamedTuple):
    """The index; None where it does not say."""

    size_bytes: int | None
    """The size of the file from the first frame on."""
    samples: int | None
    """Samples of each channel that were recorded: without what the encoder has added."""


NO_INDEX: Final = Mp3Index(None, None)


def is_mpeg_audio(head: bytes) -> bool:
    """Whether a file begins as an MP3 does, or as what is read like one: with a tag, or with a frame."""
    return head[:3] == ID3 or (head[:1] == b"\xff" and head[1:2] >= b"\xe0")


def id3_bytes(head: bytes | bytearray) -> int:
    """Return the length of the tag in front of an MP3 (ID3v2.4 §3.1); 0 where there is none."""
    if head[:3] != ID3 or len(head) < ID3_HEAD_BYTES:
        return 0
    first, second, third, fourth = head[6:ID3_HEAD_BYTES]
    return ID3_HEAD_BYTES + (first << 21 | second << 14 | third << 7 | fourth)


def mp3_bytes(head: bytes) -> int:
    """Return the file size that the index of an MP3 declares, or somewhat less; 0 where it has none."""
    size = mp3_index(head).size_bytes
    return 0 if size is None else id3_bytes(head) + size - SLACK_BYTES


def mp3_index(head: bytes) -> Mp3Index:
    """Return the index of a file that begins with ``head``; an empty one where that is no MP3, or has no index."""
    begin = id3_bytes(head)
    frame = head[begin : begin + INDEX_WITHIN]
    if len(frame) < INDEX_WITHIN or frame[0] != 0xFF or frame[1] & 0xE0 != 0xE0:
        return NO_INDEX
    index_at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if index_at < 0:
        return NO_INDEX
    flags, at = frame[index_at + 7], begin + index_at + 8
    frames, at = _number(head, at) if flags & 1 else (None, at)
    size, at = _number(head, at) if flags & 2 else (None, at)
    at += SEEK_TABLE_BYTES * bool(flags & 4) + QUALITY_BYTES * bool(flags & 8)
    return Mp3Index(size, None if frames is None else _recorded(frames * _frame_samples(frame), head[at:]))


def _number(head: bytes, at: int) -> tuple[int, int]:
    return int.from_bytes(head[at : at + 4], "big"), at + 4


def _frame_samples(frame: bytes) -> int:
    return 1_152 if frame[1] >> 3 & 3 == MPEG_1 else 576


def _recorded(samples: int, encoder: bytes) -> int | None:
    """Return what is left of ``samples`` without those that the encoder has added; None where it does not say."""
    if not encoder.startswith(ENCODERS) or len(encoder) < ADDED_AT + 3:
        return None
    added = int.from_bytes(encoder[ADDED_AT : ADDED_AT + 3], "big")
    in_front, behind = added >> 12, added & MOST_ADDED
    return samples - (in_front + DECODER_DELAY) - max(0, behind - DECODER_DELAY)
