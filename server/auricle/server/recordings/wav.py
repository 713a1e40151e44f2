"""A WAV reader that does not seek, so that it can read from a pipe.

libsndfile cannot read from a pipe, and it silently shortens a file that is shorter than its header declares. So the
container is parsed here, and libsndfile decodes the samples, one block at a time.
"""

import io
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

import soundfile

from auricle.server.recordings.audio_source import SourceError, check_rate, cut_short
from auricle.server.recordings.container_sizes import STREAMED_FROM
from auricle.server.recordings.forward_file import ForwardFile, read_exactly
from auricle.server.recordings.pcm import Samples, block_frames

BLOCKS_A_SECOND: Final = 10
MAX_CHANNELS: Final = 1_024
"""As many as libsndfile decodes. A header that says more is damaged."""
MAX_HEADER_BYTES: Final = 16 * 2**20
"""Maximum bytes before the samples: cover pictures and broadcast metadata fit, an endless stream does not."""
IN_DS64: Final = 0xFFFF_FFFF
"""The data size that means: see the ``ds64`` chunk before (EBU Tech 3306, RF64; ITU-R BS.2088, BW64)."""
STREAMED_FROM_64: Final = 2**62
"""The same as `STREAMED_FROM` for a 64-bit size."""

PCM: Final = 1
FLOAT: Final = 3
A_LAW: Final = 6
MU_LAW: Final = 7
EXTENSIBLE: Final = 0xFFFE
SUBTYPES: Final[Mapping[tuple[int, int], str]] = {
    (PCM, 8): "PCM_U8",
    (PCM, 16): "PCM_16",
    (PCM, 24): "PCM_24",
    (PCM, 32): "PCM_32",
    (FLOAT, 32): "FLOAT",
    (FLOAT, 64): "DOUBLE",
    (A_LAW, 8): "ALAW",
    (MU_LAW, 8): "ULAW",
}
"""(format tag, bits a sample) to libsndfile's subtype. Others are block-compressed, and need a seekable file."""


class UnknownCoding(SourceError):
    """A valid WAV file in an encoding that cannot be read from a pipe."""

    def __init__(self, tag: int, bits: int) -> None:
        super().__init__(
            f"its samples are in WAV format {tag:#06x} with {bits} bits, which cannot be read here",
            "convert it to 16-bit PCM",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WavHeader:
    """The parsed header. ``data_bytes`` is None where the writer did not know the size."""

    sample_rate: int
    channels: int
    subtype: str
    frame_bytes: int
    data_bytes: int | None


def is_wav(head: bytes) -> bool:
    """Whether the first 12 bytes are those of a WAV file, also of one that may be longer than 4 GiB."""
    return head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE"


def read_header(file: BinaryIO | ForwardFile) -> WavHeader:
    """Read the header of what `is_wav`, up to the first sample.

    Raises `UnknownCoding`, and `SourceError` for other or damaged data.
    """
    head = read_exactly(file, 12)
    long_size = 0
    coding: tuple[int, int, str, int] | None = None
    budget = MAX_HEADER_BYTES
    while budget > 0:
        chunk = read_exactly(file, 8)
        if len(chunk) < 8:
            break
        size = int.from_bytes(chunk[4:], "little")
        if chunk[:4] == b"data" and coding is not None:
            rate, channels, subtype, frame_bytes = coding
            if head[:4] != b"RIFF" and size == IN_DS64:
                size = long_size
            streamed = size == 0 or STREAMED_FROM <= size <= IN_DS64 or size >= STREAMED_FROM_64
            return WavHeader(
                sample_rate=rate,
                channels=channels,
                subtype=subtype,
                frame_bytes=frame_bytes,
                data_bytes=None if streamed else size,
            )
        padded = size + size % 2
        body = read_exactly(file, min(padded, budget))
        budget -= 8 + len(body)
        if chunk[:4] == b"fmt ":
            coding = _coding(body)
        if chunk[:4] == b"ds64":
            long_size = int.from_bytes(body[8:16], "little")
    raise SourceError("its WAV header ends before any audio", "the file is damaged, so copy or record it again")


def _coding(body: bytes) -> tuple[int, int, str, int]:
    """Return rate, channels, subtype and bytes a sample frame from a ``fmt`` chunk (RIFF, WAVEFORMATEX)."""
    if len(body) < 16:
        raise SourceError("its WAV header is too short", "the file is damaged, so copy or record it again")
    tag, channels, rate, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", body)
    if tag == EXTENSIBLE and len(body) >= 26:
        (tag,) = struct.unpack_from("<H", body, 24)  # the first two bytes of the GUID are the old tag
    check_rate(rate)
    if not 1 <= channels <= MAX_CHANNELS:
        raise SourceError(
            f"its header says {channels} channels, which no recording has",
            "the file is damaged, so export it again",
        )
    subtype = SUBTYPES.get((tag, bits))
    if subtype is None or frame_bytes != channels * bits // 8:
        raise UnknownCoding(tag, bits)
    return rate, channels, subtype, frame_bytes


class WavSource:
    """A `Source` on a binary file positioned at a WAV header. Seeks only where the file is seekable.

    Raises what `read_header` raises.
    """

    def __init__(self, file: BinaryIO | ForwardFile) -> None:
        self._file = file
        self._header = header = read_header(file)
        self.sample_rate = header.sample_rate
        self.channels = header.channels
        self._promised = None if header.data_bytes is None else header.data_bytes // header.frame_bytes
        self.frames = self._readable()

    def _readable(self) -> int | None:
        if isinstance(self._file, ForwardFile) or not self._file.seekable():
            return self._promised
        here = self._file.tell()
        there = self._file.seek(0, io.SEEK_END)
        self._file.seek(here)
        present = (there - here) // self._header.frame_bytes
        return present if self._promised is None else min(present, self._promised)

    def blocks(self) -> Iterator[Samples]:
        """Yield blocks of a tenth of a second; then raise `SourceError` if the header declared more."""
        header = self._header
        delivered = 0
        most = block_frames(header.sample_rate, header.channels, blocks_a_second=BLOCKS_A_SECOND)
        while self._promised is None or delivered < self._promised:
            wanted = most if self._promised is None else min(most, self._promised - delivered)
            data = read_exactly(self._file, wanted * header.frame_bytes)
            frames = len(data) // header.frame_bytes
            if frames:
                delivered += frames
                yield self._decode(data[: frames * header.frame_bytes])
            if frames < wanted:
                break
        if self._promised is not None and delivered < self._promised:
            raise cut_short(self._promised, delivered, header.sample_rate)

    def _decode(self, data: bytes) -> Samples:
        header = self._header
        block: Samples
        block, _ = soundfile.read(
            io.BytesIO(data),
            dtype="float32",
            always_2d=True,
            samplerate=header.sample_rate,
            channels=header.channels,
            format="RAW",
            subtype=header.subtype,
            endian="LITTLE",
        )
        return block
