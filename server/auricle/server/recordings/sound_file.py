"""FLAC, OGG, AIFF and other formats of libsndfile, with errors for truncated files, which it hides."""

import io
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, Final

import numpy as np
import soundfile

from auricle.server.recordings.audio_source import SourceError, bytes_missing, check_rate, cut_short, last_page_missing
from auricle.server.recordings.container_sizes import missing_bytes
from auricle.server.recordings.no_audio import REMEDY, UNKNOWN
from auricle.server.recordings.ogg_pages import lacks_last_page
from auricle.server.recordings.pcm import Samples

BLOCK_FRAMES: Final = 8_192
"""Sample frames read at once: a twentieth of a second of studio audio, half a second of telephone audio."""
UNKNOWN_FROM: Final = 2**62
"""libsndfile's frame count where the header gives none (SF_COUNT_MAX), and beyond any real file."""


class ForwardSoundFile(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """A sound file that is read from front to back.

    soundfile seeks to its position after every read of a seekable file, and a seek resets the state of a decoder.
    """

    def seekable(self) -> bool:
        """Return False, so that `read` does not seek."""
        return False


class TolerantFile:
    """A file whose methods do not raise, for libsndfile's callbacks.

    A damaged header can make the decoder seek to before the beginning; the `OSError` of that would be printed over the
    user's terminal by the C callback, which cannot raise it. The file's name is hidden too, because soundfile would
    trust a ``.raw`` in it without looking inside.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Seek; an invalid position leaves the file where it is. Return the position."""
        with suppress(OSError, ValueError):
            self._file.seek(offset, whence)
        return self._file.tell()

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._file.tell()

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes; ``b""`` at the end of the file and on a read error."""
        try:
            return self._file.read(size)
        except OSError:
            return b""


class UnknownContainer(SourceError):
    """Not a file of libsndfile's; perhaps of somebody else's."""


class SoundFileSource:
    """A `Source` on a seekable binary file. Raises `UnknownContainer` when libsndfile cannot identify it."""

    def __init__(self, file: BinaryIO) -> None:
        self._missing_bytes = missing_bytes(file)
        self._lacks_last_page = lacks_last_page(file)
        try:
            self._sound = ForwardSoundFile(TolerantFile(file))
        except soundfile.SoundFileError as error:
            raise UnknownContainer(UNKNOWN, REMEDY) from error
        self.sample_rate: int = self._sound.samplerate
        check_rate(self.sample_rate)
        frames: int = self._sound.frames
        self.frames = frames if frames < UNKNOWN_FROM else None
        self.channels: int = self._sound.channels

    def blocks(self) -> Iterator[Samples]:
        """Yield what can be decoded; then raise `SourceError` where the decoder failed or the file is truncated."""
        delivered = 0
        while True:
            block, failure = self._read(delivered)
            delivered += len(block)
            if len(block):
                yield block
            if failure is not None:
                raise SourceError(
                    f"it cannot be decoded beyond {delivered / self.sample_rate:.2f} s ({failure})",
                    "it is cut short or damaged, so copy or record it again to have the rest",
                )
            if not len(block):
                break
        if self.frames is not None and delivered < self.frames:
            raise cut_short(self.frames, delivered, self.sample_rate)
        if self._missing_bytes > 0:
            raise bytes_missing(self._missing_bytes, delivered, self.sample_rate)
        if self._lacks_last_page:
            raise last_page_missing(delivered, self.sample_rate)

    def _read(self, position: int) -> tuple[Samples, str | None]:
        """Return the block at frame ``position`` (empty at the end), and the decoder's error message, if any."""
        buffer = np.zeros((BLOCK_FRAMES, self._sound.channels), np.float32)
        try:
            block: Samples = self._sound.read(out=buffer)
        except soundfile.SoundFileError as error:
            # The frames before the damage are in the buffer already; only the position tells how many.
            complaint = getattr(error, "error_string", "").rstrip(". ") or "the decoder gives no reason"
            return buffer[: max(0, self._sound.tell() - position)], complaint
        return block, None
