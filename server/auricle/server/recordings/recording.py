"""A recording on disk or on standard input, as the chunks of audio that a session sends.

Recordings are streamed and never in memory as a whole: blocks are read, mixed to mono and resampled.
"""

import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import BinaryIO, Final, Self

from auricle.server.printable import printable
from auricle.server.recordings.audio_source import Source, SourceError
from auricle.server.recordings.av_source import AvSource
from auricle.server.recordings.forward_file import ForwardFile, index_is_at_the_end, read_exactly, stored
from auricle.server.recordings.mp3_index import is_mpeg_audio
from auricle.server.recordings.ogg_pages import may_be_chained
from auricle.server.recordings.pcm import CHUNK_MS, PcmStream
from auricle.server.recordings.sound_file import SoundFileSource, UnknownContainer
from auricle.server.recordings.wav import UnknownCoding, WavSource, is_wav

STDIN: Final = "-"
"""The path that means: a stream on standard input."""
STDIN_NAME: Final = "standard input"


class RecordingError(Exception):
    """A recording cannot be read, or not to its end. The message names the recording, the problem and the remedy."""

    def __init__(self, name: str, problem: str, remedy: str) -> None:
        super().__init__(f"Cannot read {printable(name)}: {problem}; {remedy}.")
        self.name = name
        self.problem = problem
        self.remedy = remedy


class Recording:
    """An open recording. Make one with `Recording.open`; leave the ``with`` block to close it."""

    def __init__(self, name: str, source: Source, resources: ExitStack, channel: int | None) -> None:
        self.name = name
        """The path as it was given, or "standard input"."""
        self.channels_cancel = False
        """Whether the average of the channels would have been silent so far although they are not."""
        self._source = source
        self._channel = channel
        self._resources = resources
        self._reading = threading.Lock()
        """Held by the thread that reads."""

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, stdin: BinaryIO | None = None, channel: int | None = None) -> Self:
        """Open ``path``, or for ``-`` the stream on ``stdin`` (by default the process's own).

        ``channel`` is the only one that is taken, counted from 1; None: the average of all. Raises `RecordingError`
        when there is no such file, when it may not be read, when it is not audio, and when it has no such channel.
        """
        given = os.fspath(path)
        name = STDIN_NAME if given == STDIN else given
        if not given:
            raise RecordingError("''", "it is no name", "give the path of a recording")
        if _ADDRESS.match(given):
            raise RecordingError(name, "it is an address, and nothing is fetched from the network", _DOWNLOAD)
        if given == STDIN:
            return cls._opened(name, lambda _: _standard_input(stdin), channel)
        return cls._opened(name, lambda resources: resources.enter_context(open(given, "rb")), channel)

    @classmethod
    def read(cls, file: BinaryIO, name: str, *, channel: int | None = None) -> Self:
        """Read a recording that somebody else has opened, and closes; ``name`` is for messages. Raises as `open`."""
        return cls._opened(name, lambda _: file, channel)

    @classmethod
    def _opened(cls, name: str, opened: Callable[[ExitStack], BinaryIO], channel: int | None) -> Self:
        with ExitStack() as resources:
            try:
                source = _source(opened(resources), resources)
                _check_channel(channel, source.channels)
            except SourceError as error:
                raise RecordingError(name, error.problem, error.remedy) from error
            except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
                raise RecordingError(name, *_explain(error)) from error
            return cls(name, source, resources.pop_all(), channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Standard input stays open.

        A thread that was left behind in the middle of a read, of a pipe that says nothing, still uses the file and its
        decoder: then they are left to the end of the process.
        """
        if self._reading.acquire(blocking=False):
            with ExitStack() as at_the_end:
                at_the_end.callback(self._reading.release)
                self._resources.close()

    @property
    def duration_s(self) -> float | None:
        """Duration in seconds; None where it is unknown before the end, as on a pipe."""
        frames = self._source.frames
        return None if frames is None else frames / self._source.sample_rate

    @property
    def cancellation(self) -> str | None:
        """The sentence that the channels cancel each other; None where they do not."""
        return cancelled(self.name) if self.channels_cancel else None

    def chunks(self, *, chunk_ms: int = CHUNK_MS) -> Iterator[bytes]:
        """Yield mono 16 kHz ``pcm_s16le``, ``chunk_ms`` a chunk, the last one shorter. Can be read once.

        Raises `RecordingError` when audio is missing or damaged, but only after all of it that can be decoded has
        been yielded, so that a cut recording still gives its transcript.
        """
        chunks = self._converted(chunk_ms)
        while True:
            with self._reading:
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk

    def _converted(self, chunk_ms: int) -> Iterator[bytes]:
        stream = PcmStream(self._source.sample_rate, channel=self._channel, chunk_ms=chunk_ms)
        failure: RecordingError | None = None
        empty = True
        try:
            for block in self._source.blocks():
                empty = False
                yield from stream.feed(block)
                self.channels_cancel = stream.cancels
        except SourceError as error:
            failure = RecordingError(self.name, error.problem, error.remedy)
        except OSError as error:
            failure = RecordingError(self.name, *_explain(error))
        yield from stream.finish()
        if failure is None and empty:
            failure = RecordingError(self.name, *_NO_AUDIO)
        if failure is not None:
            raise failure


def cancelled(name: str) -> str:
    """Return what is said of a recording whose channels cancel each other."""
    return f"The channels of {printable(name)} cancel each other: the first of them is heard alone."


_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_DOWNLOAD: Final = "download it first, as in `curl -L -o FILE ADDRESS`"
_NO_AUDIO: Final = ("it has a header but no audio", "record it again")


def _check_channel(channel: int | None, channels: int) -> None:
    if channel is not None and channel > channels:
        if channels == 1:
            raise SourceError(f"it has one channel and no channel {channel}", "leave --channel out")
        raise SourceError(f"it has {channels} channels and no channel {channel}", f"give --channel 1 to {channels}")


def _standard_input(stdin: BinaryIO | None) -> BinaryIO:
    if stdin is None and sys.stdin is None:
        raise SourceError("it is closed", "redirect a recording into it, as in `… < FILE`")
    file = _unbuffered_stdin() if stdin is None else stdin
    if file.isatty():
        raise SourceError("it is a terminal, not audio", "pipe a recording into it, as in `… < FILE`")
    return file


def _unbuffered_stdin() -> BinaryIO:
    """Return the process's standard input without Python's buffer.

    The interpreter takes that buffer's lock when it exits, and dies where a thread, left behind in a read of a pipe
    that says nothing, still holds it.
    """
    try:
        return open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)  # it is not ours to close
    except OSError:  # not a file of the system: a test's
        return sys.stdin.buffer


def _source(file: BinaryIO, resources: ExitStack) -> Source:
    """Return the source for ``file``: the WAV reader of this package, libsndfile, or FFmpeg."""
    source = _seekable_source(file, resources) if file.seekable() else _pipe_source(file, resources)
    if source.frames == 0:
        raise SourceError(*_NO_AUDIO)
    return source


def _seekable_source(file: BinaryIO, resources: ExitStack) -> Source:
    start = file.tell()
    head = file.read(12)
    file.seek(start)
    if not head:
        raise SourceError("it is empty", "record or copy it again")
    with suppress(UnknownCoding):
        if is_wav(head):
            return WavSource(file)
    if is_mpeg_audio(head) or may_be_chained(file):
        # libsndfile hears only the first of several that were joined, and says nothing of it.
        return _ffmpeg(file, resources)
    try:
        return SoundFileSource(file)
    except UnknownContainer:
        return _ffmpeg(file, resources)


def _pipe_source(file: BinaryIO, resources: ExitStack) -> Source:
    forward = ForwardFile(file)
    head = read_exactly(forward, 12)
    forward.rewind()
    if not head:
        raise SourceError("nothing came", "look at what the program before the pipe says")
    with suppress(UnknownCoding):
        if is_wav(head):
            wav = WavSource(forward)
            forward.forget_head()
            return wav
    forward.rewind()
    if head[4:8] == b"ftyp" and index_is_at_the_end(forward):
        return _seekable_source(resources.enter_context(stored(forward)), resources)
    forward.forget_head()  # before FFmpeg looks for the audio, which it may do for as long as bytes come
    return _ffmpeg(forward, resources)


def _ffmpeg(file: BinaryIO | ForwardFile, resources: ExitStack) -> Source:
    if not isinstance(file, ForwardFile):
        file.seek(0)
    source = AvSource(file)
    resources.callback(source.close)
    return source


def _explain(error: OSError | ValueError) -> tuple[str, str]:
    """Return the problem and the remedy for an error of the operating system."""
    match error:
        case FileNotFoundError():
            return "there is no such file", "check the path"
        case IsADirectoryError():
            return "it is a directory", "name the recordings inside it, or on the command line give --recursive"
        case PermissionError():
            return "you may not read it", "ask its owner, or change its mode with chmod"
        case OSError(strerror=str(reason)):
            return f"the system says {reason.lower()}", "check the disk and the path"
        case _:
            return "its name is not a possible path", "check the path"
