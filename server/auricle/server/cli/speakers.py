"""Who said it: finals are listened to a second time while the recording goes on, and named at its end.

Only an end knows who there is: the first minute of a meeting may have two voices and the second one four. So nothing
that has been told is changed; the words of the document have a speaker, and those on the screen have none.
"""

import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Protocol

import numpy as np
import trio

from auricle.core.messages import Final
from auricle.engines.protocol import EngineError, Samples
from auricle.engines.speakers import registry
from auricle.engines.speakers.protocol import VoiceEmbedder
from auricle.engines.speakers.second_pass import SecondPass
from auricle.server.recordings.pcm import SAMPLE_BYTES, SAMPLE_RATE

logger = logging.getLogger(__name__)


class Naming(Protocol):
    """What becomes of the audio and the finals of one recording."""

    def passing(self, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """Yield the chunks, and keep what finals may need of them."""

    def heard(self, final: Final) -> None:
        """Take a final, in order."""

    async def named(self, finals: Sequence[Final]) -> Sequence[Final]:
        """Return the finals of the whole recording, with a speaker for each word where that can be told."""


class NoNames:
    """Nobody has asked who speaks."""

    def passing(self, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """Return the chunks."""
        return chunks

    def heard(self, final: Final) -> None:
        """Do nothing."""

    async def named(self, finals: Sequence[Final]) -> Sequence[Final]:
        """Return the finals as they are."""
        return finals


async def load_embedder(name: str | None) -> VoiceEmbedder | None:
    """Return the embedder of that name, loaded; None for None. Raises `EngineUnavailable`."""
    if name is None:
        return None
    embedder = registry.create(name)
    await trio.to_thread.run_sync(embedder.load, _quiet)
    return embedder


@asynccontextmanager
async def naming(embedder: VoiceEmbedder | None, note: Callable[[str], None]) -> AsyncIterator[Naming]:
    """Yield what names the speakers of one recording; ``note`` is told in a sentence where that fails."""
    if embedder is None:
        yield NoNames()
        return
    async with trio.open_nursery() as nursery:
        names = VoiceNames(embedder, note)
        nursery.start_soon(names.listen)
        yield names
        nursery.cancel_scope.cancel()


class VoiceNames:
    """Listens to one final after another, in a worker thread. What is decided is forgotten."""

    def __init__(self, embedder: VoiceEmbedder, note: Callable[[str], None]) -> None:
        self._second_pass = SecondPass(embedder)
        self._note = note
        self._waiting_in, self._waiting = trio.open_memory_channel[Final](float("inf"))
        self._done = trio.Event()
        self._segments: list[int] = []
        self._audio = _RecentAudio()
        self._failed = False

    async def passing(self, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """Yield the chunks, and keep their audio until its final has come."""
        async with aclosing(chunks):
            async for chunk in chunks:
                self._audio.append(chunk)
                yield chunk

    def heard(self, final: Final) -> None:
        """Let a final be listened to as soon as those before it have been."""
        self._waiting_in.send_nowait(final)

    async def listen(self) -> None:
        """Listen to finals until the recording is over."""
        async with self._waiting:
            async for final in self._waiting:
                await self._listen_to(final)
        self._done.set()

    async def _listen_to(self, final: Final) -> None:
        begin, end = final.audio
        audio = self._audio.take(begin, end)
        if self._failed or not final.words:
            return
        try:
            await trio.to_thread.run_sync(self._second_pass.add, final.words, audio, begin / SAMPLE_RATE)
        except EngineError as error:
            self._failed = True
            self._note(f"Who speaks cannot be told: {error}")
        else:
            self._segments.append(final.segment)

    async def named(self, finals: Sequence[Final]) -> Sequence[Final]:
        """Wait for the last final, and return all of them with their speakers."""
        await self._waiting_in.aclose()
        await self._done.wait()
        if self._failed:
            return finals
        told = await trio.to_thread.run_sync(self._second_pass.speakers)
        speakers = dict(zip(self._segments, told, strict=True))
        return [_with_speakers(final, speakers.get(final.segment, ())) for final in finals]


class _RecentAudio:
    """The audio whose finals have not come yet. Positions are samples of the session."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()
        self._start_byte = 0

    def append(self, pcm: bytes) -> None:
        self._chunks.append(pcm)

    def take(self, begin: int, end: int) -> Samples:
        """Return samples ``begin`` up to ``end``, as far as they are there, and forget what is before ``end``."""
        kept = b"".join(self._chunks)
        first, last = (max(0, SAMPLE_BYTES * sample - self._start_byte) for sample in (begin, end))
        self._chunks = deque([kept[last:]])
        self._start_byte += min(last, len(kept))
        samples: Samples = np.frombuffer(kept[first:last], dtype="<i2").astype(np.float32) / np.float32(32_768)
        return samples


def _with_speakers(final: Final, speakers: Sequence[str]) -> Final:
    if not final.words or not speakers:
        return final
    words = tuple(replace(word, speaker=who) for word, who in zip(final.words, speakers, strict=True))
    return replace(final, words=words)


def _quiet(stage: str, fraction: float | None) -> None:
    logger.info(stage)
