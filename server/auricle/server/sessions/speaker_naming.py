"""Who speaks in live sessions: finals are listened to once more, on a thread, and annotated behind what was said.

It is a second pass: no final waits for it and none is changed by it. One thread does it for all sessions; a final that
has waited longer than `BUDGET_S` for its turn is left out, and the end of a session waits for its last ones no longer
than `LAST_S`. What fails costs the names and nothing else.
"""

import logging
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

import numpy as np
import trio

from auricle.core import AudioReceived, SpeakerSpan, Word
from auricle.core.parts import AudioFormat
from auricle.core.session import Outputs
from auricle.engines.audio.encodings import decode_pcm
from auricle.engines.audio.resample import Resampler
from auricle.engines.protocol import EngineError
from auricle.engines.speakers.live_pass import LivePass
from auricle.engines.speakers.protocol import VoiceEmbedder
from auricle.server.sessions.loading import load_embedder
from auricle.server.sessions.recent_audio import RecentAudio
from auricle.transports.trio.server import Connection

logger = logging.getLogger(__name__)
BUDGET_S: Final = 5.0
"""From a final to the moment at which it is listened to."""
LONGEST_S: Final = 45.0
"""Of older audio nothing is kept: longer than the longest segment, and than a decode that is late."""
LAST_S: Final = 1.0
"""How long the end of a session waits for the speakers of its last finals."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpeakerNaming:
    """The embedder that is running, and the one thread that it runs on; None: nobody is told apart."""

    embedder: VoiceEmbedder | None = None
    thread: trio.CapacityLimiter = field(default_factory=lambda: trio.CapacityLimiter(1))

    @property
    def name(self) -> str | None:
        """What clients are told that tells speakers apart."""
        return None if self.embedder is None else self.embedder.name


NOBODY: Final = SpeakerNaming()


@asynccontextmanager
async def running_speaker_naming(name: str | None) -> AsyncIterator[SpeakerNaming]:
    """Run the embedder ``name`` for the length of the block. Raises `EngineUnavailable`, which says what to do."""
    embedder = await load_embedder(name)
    yield NOBODY if embedder is None else SpeakerNaming(embedder=embedder)


class _Said(NamedTuple):
    segment: int
    words: Sequence[Word]
    pcm: bytes
    start_s: float
    at: float
    """When it was said, on trio's clock."""


class SessionSpeakers:
    """The speakers of one session, whose audio is in the format ``audio``."""

    def __init__(self, naming: SpeakerNaming, connection: Connection, audio: AudioFormat) -> None:
        assert naming.embedder is not None, "a session without an embedder has none of these"
        self._thread = naming.thread
        self._connection = connection
        self._session = connection.session
        self._format = audio
        self._audio = RecentAudio(audio, longest_s=LONGEST_S)
        self._pass = LivePass(naming.embedder)
        self._waiting_in, self._waiting = trio.open_memory_channel[_Said](math.inf)
        self._unnamed = 0
        self._is_idle = trio.Event()
        self._failed = False
        self.keeps_audio = False
        """Whether who speaks in the audio that comes is to be known. Finals are later: of them the session knows it."""

    @property
    def _wanted(self) -> bool:
        return self._session.snapshot.names_speakers and not self._failed

    def hear(self, event: AudioReceived) -> None:
        """Keep audio until its final has come."""
        if self.keeps_audio and not self._failed:
            self._audio.append(event.start_sample, event.pcm)

    def heard(self, segment: int, words: Sequence[Word], end_sample: int) -> None:
        """Let a final that has been said be listened to, as soon as those before it have been."""
        if not words or not self._wanted:
            self._audio.forget_before(end_sample)
            return
        rate = self._format.sample_rate
        begin, end = math.floor(words[0].start * rate), math.ceil(words[-1].end * rate)
        pcm = self._audio.take(begin, end)
        self._audio.forget_before(end_sample)
        self._unnamed += 1
        self._is_idle = trio.Event()
        self._waiting_in.send_nowait(_Said(segment, words, pcm, begin / rate, trio.current_time()))

    async def name_all(self) -> None:
        """Listen to finals until cancelled."""
        async for said in self._waiting:
            if trio.current_time() - said.at <= BUDGET_S and self._wanted:
                await self._name(said)
            else:
                logger.debug("nobody is named in segment %d: the second pass is late", said.segment)
            self._unnamed -= 1
            if not self._unnamed:
                self._is_idle.set()

    async def settle(self) -> None:
        """Wait for what has not been named yet, for `LAST_S` at most."""
        if self._unnamed:
            with trio.move_on_after(LAST_S):
                await self._is_idle.wait()

    async def _name(self, said: _Said) -> None:
        try:
            changes = await trio.to_thread.run_sync(self._listen, said, limiter=self._thread, abandon_on_cancel=True)
            for segment, spans in changes:
                await self._connection.do(partial(self._annotate, segment, spans))
        except EngineError as error:
            logger.warning("who speaks cannot be told: %s", error)
            self._failed = True
        except Exception:
            # An embedder may be anybody's code, and a session goes on without it.
            logger.exception("who speaks cannot be told")
            self._failed = True

    def _listen(self, said: _Said) -> Sequence[tuple[int, Sequence[SpeakerSpan]]]:
        resampler = Resampler(self._format.sample_rate)
        head = resampler.push(decode_pcm(said.pcm, self._format))
        samples = np.concatenate((head, resampler.drain()))
        return self._pass.add(said.segment, said.words, samples, said.start_s)

    def _annotate(self, segment: int, spans: Sequence[SpeakerSpan], now: float) -> Outputs:
        return self._session.annotate(segment, spans, now=now)
