"""The baseline: what today's servers do, as well as it can be done, behind the verbs of our sessions.

Every decode is faster-whisper's ``transcribe`` of the whole buffer, padded to 30 s; LocalAgreement-2 commits words; the
buffer is trimmed at committed words once it is longer than 15 s, with their text as the prompt; one lock around the
model. The end of an utterance is found with the same Silero and the same rules as ours, so that delays compare; the
buffer is then decoded once more, and nothing is lost. In its favour: greedy, one temperature, a bound on the tokens.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import assert_never

import anyio
import anyio.to_thread
import numpy as np
from agreement import Agreement, Timed
from anyio.abc import TaskGroup
from faster_whisper import WhisperModel

from auricle.core.parts import FinalReason
from auricle.engines.audio.endpointing import SILENT, Began, Ended, Quiet, Rules, Speaking, TooLong, step
from auricle.engines.audio.silero_vad import SileroModel
from auricle.engines.protocol import (
    BLOCK,
    ENGINE_RATE,
    FinalResult,
    PartialResult,
    Processed,
    Result,
    Samples,
    SpeechEnded,
    SpeechStarted,
    StreamConfig,
    StreamDone,
    TimedWord,
)

TRIM_S = 15.0
"""A buffer longer than this is trimmed at what has been committed."""
PROMPT_LETTERS = 200
FIRST_TOKENS = 20
TOKENS_A_SECOND = 15


class NaiveService:
    """One model, one lock."""

    def __init__(self, model: WhisperModel, tasks: TaskGroup, interval_s: float) -> None:
        self.interval_s = interval_s
        """Audio from one decode to the next, at least."""
        self.silero = SileroModel()
        self._model = model
        self._tasks = tasks
        self._lock = anyio.Lock()
        self.decodes = 0
        """How many there were."""

    def open(self, config: StreamConfig) -> "NaiveSession":
        """Begin a session."""
        session = NaiveSession(self, config)
        self._tasks.start_soon(session.run)
        return session

    async def decode(self, audio: Samples, offset_s: float, prompt: str, language: str) -> list[Timed]:
        """Return the words of ``audio``, which begins at ``offset_s``, when it is its turn."""
        async with self._lock:
            self.decodes += 1
            return await anyio.to_thread.run_sync(lambda: self._transcribe(audio, offset_s, prompt, language))

    def _transcribe(self, audio: Samples, offset_s: float, prompt: str, language: str) -> list[Timed]:
        segments, _ = self._model.transcribe(
            audio,
            language=language,
            beam_size=1,
            temperature=0.0,
            word_timestamps=True,
            condition_on_previous_text=False,
            initial_prompt=prompt[-PROMPT_LETTERS:] or None,
            max_new_tokens=FIRST_TOKENS + round(TOKENS_A_SECOND * len(audio) / ENGINE_RATE),
        )
        return [
            Timed(text=word.word.strip(), start_s=float(word.start) + offset_s, end_s=float(word.end) + offset_s)
            for segment in segments
            for word in segment.words or ()
        ]


@asynccontextmanager
async def naive_service(model: WhisperModel, interval_s: float) -> AsyncIterator[NaiveService]:
    """Serve until the block is left; sessions that are still open end there."""
    async with anyio.create_task_group() as tasks:
        yield NaiveService(model, tasks, interval_s)
        tasks.cancel_scope.cancel()


@dataclass(slots=True)
class _Speech:
    """The open utterance. Positions are samples of the session."""

    began: int
    buffer_start: int
    agreement: Agreement = field(default_factory=Agreement)
    trimmed: list[Timed] = field(default_factory=list)
    """Words of the audio that is no longer in the buffer."""
    decoded_until: int = 0

    @property
    def committed(self) -> list[Timed]:
        """All words that will not change any more."""
        return self.trimmed + self.agreement.committed


class NaiveSession:
    """One speaker."""

    def __init__(self, service: NaiveService, config: StreamConfig) -> None:
        self._service = service
        self._language = config.language or "en"
        self._rules = Rules.of(config.silence_s, config.max_segment_s)
        self._detector = service.silero.detector()
        self._audio = np.zeros(0, dtype=np.float32)
        self._audio_start = 0
        self._state: Quiet | Speaking = SILENT
        self._walked = 0
        self._speech: _Speech | None = None
        self._finished = False
        self._fed = anyio.Event()
        self._results: list[Result] = []
        self._news = anyio.Event()
        self._over = False

    # ------------------------------------------------------------------------ for its owner

    def feed(self, pcm: bytes) -> None:
        """Let it hear 16-bit audio at 16 kHz."""
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768
        self._audio = np.concatenate([self._audio, samples])
        self._fed.set()

    def finish(self) -> None:
        """No more audio will come."""
        self._finished = True
        self._fed.set()

    async def receive(self) -> Sequence[Result]:
        """Wait for results; an empty sequence once it is over."""
        while not self._results and not self._over:
            self._news = anyio.Event()
            await self._news.wait()
        results, self._results = self._results, []
        return results

    def close(self) -> None:
        """Nobody listens any more."""
        self._over = True
        self._finished = True
        self._fed.set()
        self._news.set()

    # ------------------------------------------------------------------------ the loop

    async def run(self) -> None:
        """Hear what has come, decide, decode; again when more has come."""
        while not self._over:
            self._fed = anyio.Event()
            await self._walk()
            if self._over:
                return
            self._tell(Processed(upto_sample=self._end))
            if self._finished and self._walked + BLOCK > self._end:
                await self._conclude(self._end, "end_input")
                self._tell(StreamDone(upto_sample=self._end))
                self._over = True
                return
            await self._update()
            if self._walked + BLOCK > self._end and not self._finished:
                await self._fed.wait()

    @property
    def _end(self) -> int:
        return self._audio_start + len(self._audio)

    def _slice(self, begin: int, end: int) -> Samples:
        return self._audio[max(0, begin - self._audio_start) : end - self._audio_start]

    async def _walk(self) -> None:
        """Hear every whole block; utterances that end on the way are decoded there and then."""
        while self._walked + BLOCK <= self._end and not self._over:
            # Detection is not what the lock is for, and is too short for a thread.
            (probability,) = self._detector(self._slice(self._walked, self._walked + BLOCK)[None])
            self._walked += BLOCK
            self._state, decision = step(self._rules, self._state, probability, self._walked)
            match decision:
                case None:
                    pass
                case Began(at=at, opened=opened):
                    start = max(opened, self._audio_start)
                    self._speech = _Speech(began=at, buffer_start=start, decoded_until=start)
                    self._tell(SpeechStarted(at_sample=at))
                case Ended():
                    await self._conclude(self._walked, "endpoint")
                case TooLong():
                    await self._conclude(self._walked, "max_length")
                case _:
                    assert_never(decision)
            self._forget()

    async def _update(self) -> None:
        speech = self._speech
        if speech is None or self._walked - speech.decoded_until < self._service.interval_s * ENGINE_RATE:
            return
        speech.decoded_until = self._walked
        speech.agreement.insert(await self._decode(speech, self._walked))
        self._trim(speech)
        stable, text = joined(speech.committed), joined(speech.committed + speech.agreement.tail)
        if text:
            start_s, end_s = speech.began / ENGINE_RATE, self._walked / ENGINE_RATE
            self._tell(PartialResult(text=text, stable=len(stable), start_s=start_s, end_s=end_s))

    async def _conclude(self, end: int, reason: FinalReason) -> None:
        speech, self._speech = self._speech, None
        if speech is None:
            return
        speech.agreement.conclude(await self._decode(speech, end))
        words = speech.committed
        self._tell(
            FinalResult(
                end_sample=end,
                text=joined(words),
                start_s=speech.began / ENGINE_RATE,
                end_s=end / ENGINE_RATE,
                confidence=0.0,
                reason=reason,
                words=tuple(TimedWord(text=word.text, start_s=word.start_s, end_s=word.end_s) for word in words),
            )
        )
        self._tell(SpeechEnded(at_sample=end))

    async def _decode(self, speech: _Speech, end: int) -> list[Timed]:
        audio = self._slice(speech.buffer_start, end).copy()
        offset_s = speech.buffer_start / ENGINE_RATE
        return await self._service.decode(audio, offset_s, joined(speech.trimmed), self._language)

    def _trim(self, speech: _Speech) -> None:
        """Cut the buffer at the last committed word, once it is long."""
        until_s = speech.agreement.committed_until_s
        if until_s is None or self._walked - speech.buffer_start < TRIM_S * ENGINE_RATE:
            return
        speech.buffer_start = max(speech.buffer_start, round(until_s * ENGINE_RATE))
        speech.trimmed += speech.agreement.committed
        speech.agreement.committed = []

    def _forget(self) -> None:
        keep = self._walked - ENGINE_RATE if self._speech is None else self._speech.buffer_start
        dropped = max(0, keep - self._audio_start)
        self._audio = self._audio[dropped:]
        self._audio_start += dropped

    def _tell(self, result: Result) -> None:
        self._results.append(result)
        self._news.set()


def joined(words: Iterable[Timed]) -> str:
    """Return the text of words."""
    return " ".join(word.text for word in words)
