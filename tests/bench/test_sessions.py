"""The naive baseline and the harness, with a model and a detector that are made up."""

from collections.abc import Sequence
from typing import cast

import anyio
import numpy as np
from agreement import Timed
from clips import Tape
from harness import Service, play, play_all, rush
from naive import NaiveService, NaiveSession
from recording import Recording

from auricle.engines.protocol import (
    BLOCK,
    ENGINE_RATE,
    EngineError,
    FinalResult,
    Processed,
    Result,
    Samples,
    SpeechEnded,
    SpeechStarted,
    StreamConfig,
    StreamDone,
)

CONFIG = StreamConfig(silence_s=0.3)
PATIENCE_S = 20.0


class AudioFrontEnd:
    """Takes what is loud for speech."""

    def __call__(self, blocks: Samples) -> list[float]:
        return [float(np.abs(block).max() > 0.05) for block in blocks]


class FakeSilero:
    def detector(self) -> AudioFrontEnd:
        return AudioFrontEnd()


class FakeNaive:
    """Hears a word for every half second of the buffer, and guesses another one, which never comes again."""

    interval_s = 0.5
    silero = FakeSilero()

    def __init__(self) -> None:
        self.longest_s = 0.0
        self.decodes = 0

    async def decode(self, audio: Samples, offset_s: float, prompt: str, language: str) -> list[Timed]:
        await anyio.lowlevel.checkpoint()
        self.longest_s = max(self.longest_s, len(audio) / ENGINE_RATE)
        slots = range(int(offset_s * 2), int((offset_s + len(audio) / ENGINE_RATE) * 2))
        words = [Timed(text=f"w{slot}", start_s=slot / 2, end_s=slot / 2 + 0.5) for slot in slots]
        self.decodes += 1
        end_s = offset_s + len(audio) / ENGINE_RATE
        return [*words, Timed(text=f"guess{self.decodes}", start_s=end_s - 0.05, end_s=end_s)]


def speech(seconds: float) -> Samples:
    return np.full(round(seconds * ENGINE_RATE / BLOCK) * BLOCK, 0.5, dtype=np.float32)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * ENGINE_RATE / BLOCK) * BLOCK, dtype=np.float32)


def heard_by_naive(service: FakeNaive, samples: Samples) -> Recording:
    class Opener:
        def open(self, config: StreamConfig) -> NaiveSession:
            session = NaiveSession(cast(NaiveService, service), config)
            tasks.start_soon(session.run)
            return session

    async def listen() -> Recording:
        nonlocal tasks
        async with anyio.create_task_group() as tasks:
            return await rush(Opener(), Tape(samples=samples), CONFIG, patience_s=PATIENCE_S)

    tasks = cast(anyio.abc.TaskGroup, None)
    return anyio.run(listen)


def test_the_naive_server_says_everything_once() -> None:
    samples = np.concatenate([silence(1), speech(2), silence(1), speech(1), silence(0.1)])
    recording = heard_by_naive(FakeNaive(), samples)
    assert recording.complete
    kinds = [type(said.result) for said in recording.said if not isinstance(said.result, Processed)]
    assert kinds.count(SpeechStarted) == kinds.count(SpeechEnded) == kinds.count(FinalResult) == 2
    assert kinds[-1] is StreamDone
    assert [final.reason for final in recording.finals] == ["endpoint", "end_input"]
    words = recording.text.split()
    assert len(words) == len(set(words))
    assert recording.partials > 0


def test_what_the_naive_server_promises_begins_the_final() -> None:
    recording = heard_by_naive(FakeNaive(), np.concatenate([speech(4), silence(1)]))
    for *partials, last in recording.utterances():
        assert isinstance(last.result, FinalResult)
        for said in partials:
            stable = getattr(said.result, "text")[: getattr(said.result, "stable")]  # noqa: B009
            assert last.result.text.startswith(stable)


def test_the_naive_server_trims_a_long_buffer_and_keeps_its_words() -> None:
    service = FakeNaive()
    recording = heard_by_naive(service, np.concatenate([speech(23), silence(1)]))
    words = recording.text.split()
    assert len(words) == len(set(words)) >= 45
    assert service.longest_s < 20
    assert len(recording.finals[0].words) == len(words)


class Scripted:
    """Says what it has heard, and ends; or breaks."""

    def __init__(self, failure: str | None = None) -> None:
        self._failure = failure
        self._fed = 0
        self._finished = False
        self._over = False
        self._news = anyio.Event()

    def feed(self, pcm: bytes) -> None:
        self._fed += len(pcm) // 2
        self._news.set()

    def finish(self) -> None:
        self._finished = True
        self._news.set()

    async def receive(self) -> Sequence[Result]:
        if self._over:
            return ()
        await self._news.wait()
        self._news = anyio.Event()
        if self._failure is not None and self._finished:
            raise EngineError(self._failure)
        self._over = self._finished
        done = [StreamDone(upto_sample=self._fed)] if self._finished else []
        return [Processed(upto_sample=self._fed), *done]

    def close(self) -> None:
        self._over = True
        self._news.set()


class Opens:
    def __init__(self, failure: str | None = None) -> None:
        self._failure = failure

    def open(self, config: StreamConfig) -> Scripted:
        return Scripted(self._failure)


def played(service: Service, seconds: float) -> Recording:
    async def one() -> Recording:
        tape = Tape(samples=silence(seconds))
        (recording,) = await play_all(service, [tape], [0.0], CONFIG, patience_s=PATIENCE_S)
        return recording

    return anyio.run(one)


def test_a_tape_is_played_whole_and_not_before_it_is_said() -> None:
    recording = played(Opens(), 0.3)
    assert recording.complete
    assert recording.done_s is not None
    assert recording.done_s >= recording.finish_s >= recording.tape.seconds
    done = recording.said[-1].result
    assert isinstance(done, StreamDone)
    assert done.upto_sample == len(recording.tape.samples)


def test_a_session_that_breaks_is_a_recording_that_is_not_complete() -> None:
    recording = played(Opens("broken"), 0.1)
    assert recording.failure == "broken"
    assert not recording.complete


def test_a_session_that_never_ends_is_not_waited_for() -> None:
    class Mute(Scripted):
        async def receive(self) -> Sequence[Result]:
            await anyio.sleep_forever()
            raise AssertionError

    class OpensMute:
        def open(self, config: StreamConfig) -> Mute:
            return Mute()

    async def one() -> Recording:
        return await play(OpensMute(), Tape(samples=silence(0.1)), CONFIG, patience_s=0.0)

    assert anyio.run(one).done_s is None
