"""Decoding of compressed audio as it comes, with FFmpeg (PyAV): containers, and single Opus packets. To 16-bit PCM.

A decoder takes bytes and returns all the PCM that they make possible, so that what a client says after some audio is
heard after that audio: a piece at a time where it is much, because minutes of silence are a few bytes of FLAC. Calls
block, for as long as decoding takes.
"""

import threading
from contextlib import closing
from typing import Final, Protocol

import av
import av.error

from auricle.server.dialects.handshake import Media
from auricle.server.recordings.apart import live_pcm_apart
from auricle.server.recordings.decoder_process import DecoderProcess
from auricle.server.recordings.live_container import NoLiveContainer, pcm, pcm_resampler

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


def media_decoder(media: Media, decoders: DecoderProcess) -> MediaDecoder:
    """Return a decoder for the audio of a client; that of a container is apart."""
    return OpusPackets() if media.kind == "opus" else ContainerStream(decoders)


class OpusPackets:
    """Opus packets without a container, one in each call (RFC 6716)."""

    has_more = False

    def __init__(self) -> None:
        self._codec = av.CodecContext.create("opus", "r")
        self._resampler = pcm_resampler()

    def feed(self, data: bytes) -> bytes:
        """Decode one packet. Raises `MediaError`."""
        try:
            frames = self._codec.decode(av.Packet(data))
            return b"".join(pcm(self._resampler.resample(frame)) for frame in frames)
        except av.error.FFmpegError as error:
            raise MediaError(f"this is not an Opus packet ({error.strerror})") from None

    def end(self) -> bytes:
        """Return what the resampler holds."""
        return pcm(self._resampler.resample(None))

    def close(self) -> None:
        """Do nothing: there is no thread."""


class ContainerStream:
    """Any container that FFmpeg can read from its beginning on: WAV, Ogg, WebM, FLAC, MP3, AAC, fragmented MP4 ….

    FFmpeg, which is in a process of its own, asks for its input, and a thread answers. `feed` returns when more is
    wanted, and when there is enough of what has been made.
    """

    def __init__(self, decoders: DecoderProcess) -> None:
        self._decoders = decoders
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

    def _take(self, piece: bytes) -> bool:
        """Keep a piece of PCM, and wait while there is enough; return whether more is wanted."""
        with self._state:
            self._output += piece
            self._state.notify_all()
            self._state.wait_for(lambda: self._closed or not self._is_full)
            return not self._closed

    def _decode(self) -> None:
        try:
            with closing(live_pcm_apart(self._decoders, self)) as pieces:
                for piece in pieces:
                    if not self._take(piece):
                        return
        except NoLiveContainer as error:
            with self._state:
                self._failure = str(error)
        finally:
            with self._state:
                self._done = True
                self._input.clear()
                self._state.notify_all()
