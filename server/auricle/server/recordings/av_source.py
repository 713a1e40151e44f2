"""Whatever FFmpeg reads, through PyAV: the containers and codecs of phones, cameras, browsers and meetings.

Streamed, never in memory as a whole. Unlike FFmpeg's own tools it says where audio is missing, and it follows the time
stamps: where a recording leaves a gap there is silence, so that times stay those of the picture.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, BinaryIO, Final

import av
import av.error
import numpy as np

from auricle.server.recordings.audio_source import SourceError, bytes_missing, check_rate, cut_short, last_page_missing
from auricle.server.recordings.container_sizes import PassingBytes, missing_bytes
from auricle.server.recordings.forward_file import ForwardFile
from auricle.server.recordings.mp3_index import ID3, MOST_ADDED
from auricle.server.recordings.no_audio import HEAD_BYTES, not_audio
from auricle.server.recordings.ogg_pages import lacks_last_page
from auricle.server.recordings.pcm import Samples, block_frames

DEMUXERS: Final = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,eac3,flac,flv,gsm,matroska,mov,mp3,mpeg,mpegts,ogg,tta,w64,wav,wv"
)
"""The containers that are read. Playlists are not among them: they name other files, and addresses to fetch."""
TIMED: Final = frozenset({"mov", "matroska", "asf", "flv", "avi"})
"""Containers whose header says how long they are; of others FFmpeg guesses from the first packets."""
SLACK_S: Final = 0.2
"""Seconds by which such a length may be wrong: a decoder's delay, and the last packet's padding."""
GAP_S: Final = 0.1
"""A gap in the time stamps from which on it is filled with silence. Less is rounding."""
MAX_GAP_S: Final = 6 * 3_600.0
"""A longer gap is a damaged time stamp."""
BLOCKS_A_SECOND: Final = 8
SILENCE_FRAMES: Final = 16_384
"""Sample frames of silence yielded at once."""


class AvSource:
    """A `Source` on a binary file, or on a `ForwardFile`. Raises `SourceError` when FFmpeg cannot read it."""

    def __init__(self, file: BinaryIO | ForwardFile) -> None:
        self._passing = file.passing if isinstance(file, ForwardFile) else PassingBytes()
        self._missing_bytes = 0 if isinstance(file, ForwardFile) else missing_bytes(file)
        self._lacks_last_page = not isinstance(file, ForwardFile) and lacks_last_page(file)
        options = {"format_whitelist": DEMUXERS}
        try:
            self._container = av.open(file, mode="r", options=options, metadata_errors="replace")
        except av.error.FFmpegError as error:
            raise SourceError(*_not_opened(file)) from error
        self._stream = self._best_stream()
        self.sample_rate: int = self._stream.rate or 0
        check_rate(self.sample_rate)
        self.channels: int = self._stream.channels
        length_s = self._length_s()
        self.frames = None if length_s is None else round(length_s * self.sample_rate)
        self._promised = self.frames if self._container.format.name.partition(",")[0] in TIMED else None
        self._position = 0
        """Sample frames up to which has been decoded."""
        self._damaged_at: int | None = None

    def close(self) -> None:
        """Free what FFmpeg holds."""
        self._container.close()

    def blocks(self) -> Iterator[Samples]:
        """Yield what can be decoded, with silence for gaps; then raise `SourceError` where audio is missing."""
        delivered = 0
        most = block_frames(self.sample_rate, self.channels, blocks_a_second=BLOCKS_A_SECOND)
        for block in _joined(self._recorded(), most):
            delivered += len(block)
            yield block
        if self._promised is not None and delivered + SLACK_S * self.sample_rate < self._promised:
            raise cut_short(self._promised, delivered, self.sample_rate)
        if self._damaged_at is not None:
            raise SourceError(
                f"it is cut short or damaged at {self._damaged_at / self.sample_rate:.2f} s",
                "what can be decoded has been read, but copy or record it again to have the rest",
            )
        # FFmpeg takes the end of a file or a pipe for the end of the recording.
        if missing := self._missing_bytes or self._passing.missing_bytes():
            raise bytes_missing(missing, delivered, self.sample_rate)
        if self._lacks_last_page or self._passing.lacks_last_page():
            raise last_page_missing(delivered, self.sample_rate)

    def _recorded(self) -> Iterator[Samples]:
        """Yield what was recorded: of an MP3 on a pipe FFmpeg decodes the silence too that the encoder added behind."""
        delivered = 0
        upto: int | None = None
        added: list[Samples] = []
        for block in self._aligned():
            if delivered == 0:  # the index has passed by
                upto = self._passing.mp3_samples
            if upto is not None and delivered + len(block) > upto + MOST_ADDED:  # another MP3 was appended
                yield from added
                upto = None
            recorded = block if upto is None else block[: max(0, upto - delivered)]
            yield recorded
            if len(recorded) < len(block):
                added.append(block[len(recorded) :])
            delivered += len(block)

    def _aligned(self) -> Iterator[Samples]:
        """Yield what is decoded, with silence where its time stamps leave a gap."""
        delivered = 0
        for block, at in self._decoded():
            gap = 0 if at is None else at - delivered
            if GAP_S * self.sample_rate < gap < MAX_GAP_S * self.sample_rate:
                yield from _silence(gap, self.channels)
                delivered += gap
            delivered += len(block)
            yield block

    def _best_stream(self) -> Any:
        stream = self._container.streams.best("audio")
        if stream is None:
            raise SourceError("it has no audio track", "give a recording with sound")
        if stream.codec_context is None:
            raise SourceError("its audio is in a codec that cannot be decoded here", "convert it to WAV or FLAC")
        return stream

    def _length_s(self) -> Fraction | None:
        """Return the seconds of audio, if the header or FFmpeg's guess has them."""
        if self._stream.duration is not None:
            return Fraction(self._stream.duration * self._stream.time_base)
        if self._container.duration is not None and len(self._container.streams) == 1:
            return Fraction(self._container.duration, av.time_base)
        return None

    def _decoded(self) -> Iterator[tuple[Samples, int | None]]:
        """Yield blocks of shape ``(frames, channels)``, and the position of each (sample frames) where it is known."""
        floats = _ToFloats(self.sample_rate)
        start_s = Fraction(self._container.start_time or 0, av.time_base)
        for frame in self._frames():
            at = None
            if frame.pts is not None and frame.time_base is not None:
                at = round((frame.pts * frame.time_base - start_s) * self.sample_rate)
            for block in floats.convert(frame):
                self._position = (self._position if at is None else at) + len(block)
                yield block, at
                at = None

    def _frames(self) -> Iterator[Any]:
        """Yield the frames that can be decoded, and remember where the first one cannot be."""
        for packet in self._packets():
            try:
                yield from packet.decode()
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                if not bytes(packet).startswith(ID3):  # the tag of an MP3 that was appended
                    self._note_damage()

    def _packets(self) -> Iterator[Any]:
        """Yield packets until the end of the file, or until the container cannot be followed any further."""
        try:
            yield from self._container.demux(self._stream)
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            self._note_damage()

    def _note_damage(self) -> None:
        if self._damaged_at is None:
            self._damaged_at = self._position


class _ToFloats:
    """Converts frames of any sample format, even one that changes, to float32 at one rate."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._kind: tuple[str, str, int] | None = None
        self._resampler: Any = None

    def convert(self, frame: Any) -> Iterator[Samples]:
        """Yield blocks of shape ``(frames, channels)``."""
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._kind:
            self._kind = kind
            self._resampler = av.AudioResampler(format="fltp", layout=frame.layout, rate=self._rate)
        frame.pts = None  # the resampler would fill gaps after its own rules
        for converted in self._resampler.resample(frame):
            yield converted.to_ndarray().T


def _joined(blocks: Iterable[Samples], frames: int) -> Iterator[Samples]:
    """Yield blocks of ``frames`` sample frames or a little more: each costs something, and a codec's own are short."""
    waiting: list[Samples] = []
    count = 0
    for block in blocks:
        if waiting and (count >= frames or block.shape[1] != waiting[0].shape[1]):
            yield np.concatenate(waiting)
            waiting, count = [], 0
        waiting.append(block)
        count += len(block)
    if waiting:
        yield np.concatenate(waiting)


def _silence(frames: int, channels: int) -> Iterator[Samples]:
    for at in range(0, frames, SILENCE_FRAMES):
        yield np.zeros((min(SILENCE_FRAMES, frames - at), channels), np.float32)


def _not_opened(file: BinaryIO | ForwardFile) -> tuple[str, str]:
    """Return the problem and the remedy of a file that FFmpeg does not open."""
    if isinstance(file, ForwardFile):
        return not_audio(file.passing.head)
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if head[4:8] == b"ftyp":
        return "its index is missing", "it is cut short or was never finished, so copy or record it again"
    return not_audio(head)
