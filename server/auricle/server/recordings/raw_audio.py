"""Audio without a container, whose format is known from elsewhere, as the chunks that a session sends."""

from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO, Self

from auricle.core.parts import AudioFormat


class RawAudio:
    """A binary file of samples in a declared format, read once from front to back."""

    cancellation: str | None = None
    """As that of a `Recording`: nobody looks at the channels here."""

    def __init__(self, file: BinaryIO, audio: AudioFormat) -> None:
        self._file = file
        self._audio = audio

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def chunks(self, *, chunk_ms: int) -> Iterator[bytes]:
        """Yield bytes of at most ``chunk_ms`` a chunk; one may end in the middle of a sample."""
        size = max(1, self._audio.sample_rate * chunk_ms // 1000) * self._audio.frame_bytes
        while chunk := self._file.read(size):
            yield chunk
