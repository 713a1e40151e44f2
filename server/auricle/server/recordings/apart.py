"""Recordings that are decoded in a process of their own, because strangers have sent them."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, suppress
from types import TracebackType
from typing import BinaryIO, Final, Protocol, Self

from auricle.server.recordings.decoder_frames import (
    CANCELLED,
    COUNT,
    POSITION,
    SEEK,
    BadFrame,
    Frame,
    Kind,
    Task,
    receive,
    send,
)
from auricle.server.recordings.decoder_process import DecoderProcess
from auricle.server.recordings.live_container import NoLiveContainer
from auricle.server.recordings.recording import RecordingError, cancelled

BROKEN: Final = ("its decoder broke on it", "it is damaged, so export it again")
NO_POSITION: Final = -1


class Readable(Protocol):
    """What is read of a file that comes as it is spoken."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes; ``b""`` at the end."""


class _Decoding:
    """One recording, and its decoder behind a socket. Making it raises `BadFrame` where there can be no decoder."""

    def __init__(self, decoders: DecoderProcess, file: "Readable | BinaryIO", task: Task) -> None:
        self._decoders = decoders
        self._file = file
        try:
            self._end = decoders.connect()
        except OSError as error:
            raise BadFrame(str(error)) from error
        with suppress(OSError):  # it has ended already, which `next` is told
            send(self._end, Kind.TASK, task.packed)

    def next(self) -> Frame:
        """Answer what the decoder asks for, and return what it tells. Raises `BadFrame` where it has ended."""
        try:
            while True:
                frame = receive(self._end)
                match frame.kind:
                    case Kind.READ:
                        send(self._end, Kind.BYTES, self._file.read(COUNT.unpack(frame.body)[0]))
                    case Kind.SEEK:
                        send(self._end, Kind.NUMBER, POSITION.pack(self._sought(*SEEK.unpack(frame.body))))
                    case _:
                        return frame
        except TimeoutError:
            self._decoders.kill()  # a thread in native code cannot be ended alone
            raise BadFrame("nothing came") from None
        except OSError as error:
            raise BadFrame(str(error)) from error

    def answer(self, number: int) -> None:
        """Tell the decoder a number."""
        with suppress(OSError):
            send(self._end, Kind.NUMBER, POSITION.pack(number))

    def close(self) -> None:
        """Let the decoder end."""
        self._end.close()

    def _sought(self, offset: int, whence: int) -> int:
        try:
            return self._file.seek(offset, whence)  # type: ignore[union-attr]  # only what can be sought in is asked to
        except (OSError, ValueError):
            return NO_POSITION


class ApartRecording:
    """A `auricle.server.recordings.recording.Recording` of which only the audio comes here. Made by `open`."""

    def __init__(self, decoding: _Decoding, name: str) -> None:
        self._decoding = decoding
        self._name = name
        self.cancellation: str | None = None
        """As that of a `Recording`, once all of the audio has come."""

    @classmethod
    def open(cls, decoders: DecoderProcess, file: BinaryIO, name: str, *, channel: int | None = None) -> Self:
        """Open a recording that somebody has sent, and that the caller closes; ``name`` is for messages.

        Raises `RecordingError` as `Recording.open` does, and where its decoder breaks.
        """
        task = Task(is_live=False, is_seekable=file.seekable(), channel=channel)
        try:
            decoding = _Decoding(decoders, file, task)
        except BadFrame:
            raise RecordingError(name, *BROKEN) from None
        with ExitStack() as refused:
            refused.callback(decoding.close)
            recording = cls(decoding, name)
            recording._expect(Kind.OPENED)
            refused.pop_all()
        return recording

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._decoding.close()

    def chunks(self, *, chunk_ms: int) -> Iterator[bytes]:
        """Yield audio as `Recording.chunks` does. Raises `RecordingError` behind all that can be read."""
        self._decoding.answer(chunk_ms)
        while (frame := self._expect(Kind.CHUNK, Kind.DONE)).kind is Kind.CHUNK:
            yield frame.body
        if frame.body == CANCELLED:
            self.cancellation = cancelled(self._name)

    def _expect(self, *kinds: Kind) -> Frame:
        try:
            frame = self._decoding.next()
        except BadFrame:
            raise RecordingError(self._name, *BROKEN) from None
        if frame.kind is Kind.FAILED:
            problem, _, remedy = frame.body.decode(errors="replace").partition("\n")
            raise RecordingError(self._name, problem, remedy)
        if frame.kind not in kinds:
            raise RecordingError(self._name, *BROKEN)
        return frame


def live_pcm_apart(decoders: DecoderProcess, file: Readable) -> Generator[bytes, None, None]:
    """Yield what `auricle.server.recordings.live_container.live_pcm` does. Raises `NoLiveContainer`."""
    try:
        decoding = _Decoding(decoders, file, Task(is_live=True))
        with closing(decoding):
            while (frame := decoding.next()).kind is Kind.CHUNK:
                yield frame.body
    except BadFrame:
        raise NoLiveContainer("the decoder of the audio broke on it") from None
    if frame.kind is not Kind.DONE:
        raise NoLiveContainer(frame.body.decode(errors="replace"))
