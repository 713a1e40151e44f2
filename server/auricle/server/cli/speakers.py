"""Who said it: finals are listened to a second time while the recording goes on, and named at its end.

Only an end knows who there is: the first minute of a meeting may have two voices and the second one four. So nothing
that has been told is changed; the words of the document have a speaker, and those on the screen have none.
"""

import math
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Final as Constant
from typing import Protocol

import trio

from auricle.core.messages import Final
from auricle.core.parts import AudioFormat
from auricle.engines.audio.encodings import decode_pcm
from auricle.engines.protocol import EngineError
from auricle.engines.speakers.protocol import VoiceEmbedder
from auricle.engines.speakers.second_pass import SecondPass
from auricle.server.recordings.pcm import SAMPLE_RATE
from auricle.server.sessions.recent_audio import RecentAudio

FORMAT: Constant = AudioFormat(sample_rate=SAMPLE_RATE)
"""Of recordings, as they are sent."""


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
        self._waiting_in, self._waiting = trio.open_memory_channel[Final](math.inf)
        self._done = trio.Event()
        self._segments: list[int] = []
        self._audio = RecentAudio(FORMAT, longest_s=math.inf)
        self._passed = 0
        """Samples of the recording so far."""
        self._failed = False

    async def passing(self, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """Yield the chunks, and keep their audio until its final has come."""
        async with aclosing(chunks):
            async for chunk in chunks:
                self._audio.append(self._passed, chunk)
                self._passed += len(chunk) // FORMAT.frame_bytes
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
        audio = decode_pcm(self._audio.take(begin, end), FORMAT)
        if self._failed or not final.words:
            return
        try:
            await trio.to_thread.run_sync(self._second_pass.add, final.words, audio, begin / FORMAT.sample_rate)
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


def _with_speakers(final: Final, speakers: Sequence[str]) -> Final:
    if not final.words or not speakers:
        return final
    words = tuple(replace(word, speaker=who) for word, who in zip(final.words, speakers, strict=True))
    return replace(final, words=words)
