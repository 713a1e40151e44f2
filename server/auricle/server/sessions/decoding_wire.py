"""A wire whose binary frames are compressed audio, as the wire of their PCM."""

from collections.abc import Callable
from functools import partial

import trio

from auricle.core import Frame
from auricle.server.dialects.handshake import Media
from auricle.server.recordings.decoder_process import DecoderProcess
from auricle.server.sessions.media_decoder import MediaError, media_decoder
from auricle.transports.wire import Wire


class DecodingWire:
    """Binary frames from ``wire`` are decoded; everything else is as on ``wire``.

    Before the frame that ends the audio comes what the decoder has held back.
    """

    def __init__(self, wire: Wire, media: Media, decoders: DecoderProcess) -> None:
        self.on_failure: Callable[[str], None] = lambda why: None
        """Called with a clause, once, where the audio cannot be decoded; audio after that is dropped."""
        self._wire = wire
        self._decoder = media_decoder(media, decoders)
        self._is_end = media.is_end
        self._held: Frame | None = None
        self._over = False
        """Whether no more audio is taken."""
        self._pending = False
        """Whether there is more PCM of what has been taken."""

    @property
    def subprotocol(self) -> str | None:
        """As `Wire.subprotocol`."""
        return self._wire.subprotocol

    async def receive(self) -> Frame:
        """Return the next message, or the next PCM."""
        while True:
            if self._pending:
                pcm = await self._decoded(partial(self._decoder.feed, b""))
            elif self._held is not None:
                held, self._held = self._held, None
                return held
            else:
                frame = await self._wire.receive()
                if self._is_end(frame):
                    self._held = frame
                    pcm = b"" if self._over else await self._decoded(self._decoder.end)
                    self._over = True
                elif isinstance(frame, str):
                    return frame
                else:
                    pcm = b"" if self._over else await self._decoded(partial(self._decoder.feed, frame))
            if pcm:
                return pcm

    async def _decoded(self, work: Callable[[], bytes]) -> bytes:
        try:
            pcm = await trio.to_thread.run_sync(work)
            self._pending = self._decoder.has_more
            return pcm
        except MediaError as error:
            self._over, self._pending = True, False
            self.on_failure(str(error))
            return b""

    async def send(self, frame: Frame) -> None:
        """As `Wire.send`."""
        await self._wire.send(frame)

    async def close(self, code: int, reason: str) -> None:
        """As `Wire.close`."""
        await self._wire.close(code, reason)

    async def abort(self) -> None:
        """As `Wire.abort`; the decoder is released too."""
        self._decoder.close()
        await self._wire.abort()
