"""MP4 files (ISO 14496-12) of a few kilobytes whose index promises millions of samples."""

import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

MATRIX: Final = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
RATE: Final = 16_000


def box(kind: bytes, *parts: bytes) -> bytes:
    """Return a box."""
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def full(kind: bytes, flags: int, *parts: bytes) -> bytes:
    """Return a box of version 0, with flags."""
    return box(kind, struct.pack(">I", flags), *parts)


def table(kind: bytes, *rows: tuple[int, ...]) -> bytes:
    """Return a table of 32-bit numbers."""
    values = [value for row in rows for value in row]
    return full(kind, 0, struct.pack(f">I{len(values)}I", len(rows), *values))


def track(number: int, *tables: bytes) -> bytes:
    """Return a track of PCM with these tables of samples."""
    head = full(
        b"tkhd", 7, struct.pack(">5I", 0, 0, number, 0, 0), bytes(8), struct.pack(">4H", 0, 0, 0x100, 0), MATRIX
    )
    media = full(b"mdhd", 0, struct.pack(">4I2H", 0, 0, RATE, 0, 0x55C4, 0))
    sound = full(b"hdlr", 0, bytes(4), b"soun", bytes(13))
    entry = box(b"sowt", bytes(7), b"\1", bytes(8), struct.pack(">4HI", 1, 16, 0, 0, RATE << 16))
    here = box(b"dinf", full(b"dref", 0, struct.pack(">I", 1), full(b"url ", 1)))
    index = box(b"stbl", full(b"stsd", 0, struct.pack(">I", 1), entry), *tables)
    return box(b"trak", head, box(b"mdia", media, sound, box(b"minf", full(b"smhd", 0, bytes(4)), here, index)))


def mp4(*parts: bytes, fragments: bytes = b"") -> bytes:
    """Return a file with these parts of its index, and a tenth of a second of sound."""
    rate = struct.pack(">IH", 0x10000, 0x100)
    head = full(
        b"mvhd", 0, struct.pack(">4I", 0, 0, 1_000, 0), rate, bytes(10), MATRIX, bytes(24), struct.pack(">I", 2)
    )
    return (
        box(b"ftyp", b"iso5", bytes(4), b"iso5mp41")
        + box(b"moov", head, *parts)
        + fragments
        + box(b"mdat", bytes(RATE // 10 * 2))
    )


def promising_samples(samples: int) -> bytes:
    """Return a file in which one table says that there are so many samples, all of one size."""
    return mp4(
        track(
            1,
            table(b"stts", (samples, 2)),
            table(b"stsc", (1, samples, 1)),
            full(b"stsz", 0, struct.pack(">2I", 2, samples)),
            table(b"stco", (600,)),
        )
    )


def promising_chunks(samples: int) -> bytes:
    """Return a file in which sixteen chunks are said to have so many samples each."""
    return mp4(
        track(
            1,
            table(b"stts", (1 << 31, 1)),
            table(b"stsc", (1, samples, 1)),
            full(b"stsz", 0, struct.pack(">2I", 1, 1 << 31)),
            table(b"stco", *[(600,)] * 16),
        )
    )


def promising_fragment(samples: int) -> bytes:
    """Return a file in which a fragment is said to have so many samples, all of the default size."""

    def fragment(offset: int) -> bytes:
        run = full(b"trun", 1, struct.pack(">2I", samples, offset))
        part = box(b"traf", full(b"tfhd", 0x020000, struct.pack(">I", 1)), run)
        return box(b"moof", full(b"mfhd", 0, struct.pack(">I", 1)), part)

    nothing = table(b"stts"), table(b"stsc"), full(b"stsz", 0, bytes(8)), table(b"stco")
    defaults = box(b"mvex", full(b"trex", 0, struct.pack(">5I", 1, 1, 1, 2, 0)))
    return mp4(track(1, *nothing), defaults, fragments=fragment(len(fragment(0)) + 8))


BOMBS: Final[Mapping[str, bytes]] = MappingProxyType(
    {
        "samples": promising_samples(30_000_000),
        "chunks": promising_chunks((1 << 31) - 2),
        "fragment": promising_fragment(30_000_000),
    }
)
"""Without bounds each takes about a GiB."""
