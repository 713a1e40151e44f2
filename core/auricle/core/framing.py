"""The framings of binary audio frames, which give the position of the audio. Source: notes/wire-protocols.md §3.2.

``raw``: no header; the position is implied by counting, and a frame may end in the middle of a sample. ``offset64``:
eight bytes, the position of the first sample as a little-endian number, then whole sample frames. A position beyond
what has come is a gap; one before it is an overlap, of which only the new part counts.
"""

import struct
from typing import Final, NamedTuple

FRAMINGS: Final = ("raw", "offset64")
HEADER: Final = struct.Struct("<Q")


class Unpacked(NamedTuple):
    """What a frame adds to the timeline: ``gap`` samples without audio, then ``pcm`` (and bytes of half a sample)."""

    gap: int
    pcm: bytes
    odd_bytes: int


def pack(start_sample: int, pcm: bytes) -> bytes:
    """Return the ``offset64`` frame that holds ``pcm`` from ``start_sample`` on."""
    return HEADER.pack(start_sample) + pcm


def unpack(frame: bytes, expected_sample: int, frame_bytes: int) -> Unpacked | None:
    """Return what an ``offset64`` frame adds after ``expected_sample``; None where it has no header."""
    if len(frame) < HEADER.size:
        return None
    (start,) = HEADER.unpack_from(frame)
    samples, odd_bytes = divmod(len(frame) - HEADER.size, frame_bytes)
    old = min(samples, max(0, expected_sample - start))
    pcm = frame[HEADER.size + old * frame_bytes : HEADER.size + samples * frame_bytes]
    return Unpacked(gap=max(0, start - expected_sample), pcm=pcm, odd_bytes=odd_bytes)
