"""Decoding of compressed audio as it comes, with FFmpeg (PyAV): containers, and single Opus packets. To 16-bit PCM.

A decoder takes bytes and returns all the PCM that they make possible, so that what a client says after some audio is
heard after that audio: a piece at a time where it is much, because minutes of silence are a few bytes of FLAC. Calls
block, for as long as decoding takes.
"""

import threading
from collections.abc import Iterator
from typing import Final, Protocol

import av
from av.audio.resampler import AudioResampler

from auricle.server.dialects.handshake import DECODED, Media
from auricle.server.recordings.av_source import DEMUXERS

_OPTIONS: Final = {"probesize": "4096", "analyzeduration": "0", "format_whitelist": DEMUXERS}
"""FFmpeg's options: begin as soon as the format is known, as somebody is speaking; and open nothing but containers, as
FFmpeg takes a list of files for one, and would read those of this machine."""
MOST_PCM: Final = 1024 * 1024
"""Bytes of PCM that wait at most, and a frame's: half a minute."""


class MediaError(Exception):
    """The audio cannot be decoded. The message is a clause for users."""


class MediaDecoder(Protocol):
    """A decoder of one client's audio."""

    @property
    def has_more(self) -> bool:
        """Whether what it has been given makes more PCM possible than it has returned: it wants ``feed(b"")``."""

    def feed(self, data: bytes) -> bytes:
        """Return the PCM that ``data`` makes possible, or its first piece. Raises `MediaError`."""

    def end(self) -> bytes:
        """Return what was held back until the end, or its first piece. Raises `MediaError`."""

    def close(self) -> None:
        """Release the decoder. Idempotent."""


def media_decoder(media: Media) -> MediaDecoder:
    """Return a decoder for the audio of a client."""
    return OpusPackets() if media.kind == "opus" else ContainerStream()


class OpusPackets:
    """Opus packets without a container, one in each call (RFC 6716)."""

    has_more = False

    def __init__(self) -> None:
        self._codec = av.CodecContext.create("opus", "r")
        self._resampler = _resampler()

    def feed(self, data: bytes) -> bytes:
        """Decode one packet. Raises `MediaError`."""
        try:
            frames = self._codec.decode(av.Packet(data))
            return b"".join(_pcm(self._resampler.resample(frame)) for frame in frames)
        except av.error.FFmpegError as error:
            raise MediaError(f"this is not an Opus packet ({error.strerror})") from None

    def end(self) -> bytes:
        """Return what the resampler holds."""
        return _pcm(self._resampler.resample(None))

    def close(self) -> None:
        """Do nothing: there is no thread."""


class ContainerStream:
    """Any container that FFmpeg can read from its beginning on: WAV, Ogg, WebM, FLAC, MP3, AAC, fragmented MP4 ….

    FFmpeg asks for its input, so it runs in a thread of its own; `feed` returns when that thread wants more, and when
    there is enough of what it has made.
    """

    def __init__(self) -> None:
        self._state = threading.Condition()
        self._input = bytearray()
        self._output = bytearray()
        self._hungry = False
        self._ended = False
        self._closed = False
        self._done = False
        self._failure: str | None = None
        self._thread = threading.Thread(target=self._decode, name="auricle media", daemon=True)
        self._thread.start()

    @property
    def has_more(self) -> bool:
        """Whether there is PCM, or input that makes more of it possible."""
        with self._state:
            return bool(self._output) or not (self._hungry or self._done)

    def feed(self, data: bytes) -> bytes:
        """Decode more of the container. Raises `MediaError`."""
        with self._state:
            self._input += data
            self._hungry = False
            return self._wait()

    def end(self) -> bytes:
        """End the container. Raises `MediaError`."""
        with self._state:
            self._ended = True
            self._hungry = False
            return self._wait()

    def close(self) -> None:
        """End the thread, which has nothing more to read."""
        with self._state:
            self._ended = self._closed = True
            self._input.clear()
            self._output.clear()
            self._state.notify_all()

    def read(self, size: int) -> bytes:
        """Return input for FFmpeg, at most ``size`` bytes; none at the end. Called in the thread of the decoder."""
        with self._state:
            while not self._input and not self._ended:
                self._hungry = True
                self._state.notify_all()
                self._state.wait()
            data = bytes(self._input[:size])
            del self._input[:size]
            return data

    def _wait(self) -> bytes:
        self._state.notify_all()
        self._state.wait_for(lambda: self._hungry or self._done or self._is_full)
        if self._failure is not None:
            raise MediaError(self._failure)
        pcm = bytes(self._output)
        self._output.clear()
        self._state.notify_all()
        return pcm

    @property
    def _is_full(self) -> bool:
        return len(self._output) >= MOST_PCM

    def _decode(self) -> None:
        try:
            for pcm in self._frames():
                with self._state:
                    if not self._closed:
                        self._output += pcm
                        self._state.notify_all()
                    self._state.wait_for(lambda: self._closed or not self._is_full)
        except (av.error.FFmpegError, ValueError, IndexError) as error:
            why = getattr(error, "strerror", None) or str(error)
            with self._state:
                self._failure = f"the audio is in no container that can be read as a stream ({why})"
        finally:
            with self._state:
                self._done = True
                self._input.clear()
                self._state.notify_all()

    def _frames(self) -> Iterator[bytes]:
        with av.open(self, mode="r", options=_OPTIONS, buffer_size=4096) as container:
            if not container.streams.audio:
                raise ValueError("it holds no audio")
            resampler = _resampler()
            for frame in container.decode(audio=0):
                yield _pcm(resampler.resample(frame))
            yield _pcm(resampler.resample(None))


def _resampler() -> AudioResampler:
    return AudioResampler(format="s16", layout="mono", rate=DECODED.sample_rate)


def _pcm(frames: list[av.AudioFrame]) -> bytes:
    return b"".join(frame.to_ndarray().tobytes() for frame in frames)
