"""What the tests of the engines share: driving a recogniser, and judging what it said."""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
import soundfile
from hypothesis import strategies as st
from private_folders import private

from auricle.core.parts import AudioFormat
from auricle.engines.protocol import (
    Engine,
    FinalResult,
    FlushDone,
    PartialResult,
    Processed,
    Result,
    SpeechEnded,
    SpeechStarted,
    StreamConfig,
    StreamDone,
    UtteranceFailed,
)
from auricle.engines.scripted.script import Script, ScriptedWord
from auricle.engines.session.recogniser import Recogniser
from auricle.engines.turn_taking.watch import TurnTaking


@cache
def clips() -> dict[str, dict[str, Any]]:
    """Return the manifest of the private recordings by id."""
    manifest = private("speech", "manifest.jsonl")
    rows = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    return {row["id"]: row for row in rows}


def clip_pcm(clip_id: str) -> bytes:
    """Return a private recording as 16-bit mono PCM at 16 kHz."""
    samples, rate = soundfile.read(private("speech", clips()[clip_id]["path"]), dtype="int16")
    assert rate == 16_000
    return samples.tobytes()


def silence(seconds: float, rate: int = 16_000) -> bytes:
    return bytes(2 * round(seconds * rate))


def config(rate: int = 16_000, **options: Any) -> StreamConfig:
    return StreamConfig(audio=AudioFormat(sample_rate=rate), **options)


Control = tuple[int, int]
"""A flush: after how many received samples it comes, and at which one it cuts."""


def drive(
    engine: Engine,
    how: StreamConfig,
    pcm: bytes,
    *,
    chunks: Iterable[int] = (),
    flushes: Sequence[Control] = (),
    turns: TurnTaking | None = None,
) -> list[Result]:
    """Run a whole session. ``chunks``: sizes in samples, then 100 ms; flushes come where they are due."""
    recogniser = Recogniser(engine, how, turns)
    frame, results, at = how.audio.frame_bytes, [], 0
    total = len(pcm) // frame
    sizes = iter(chunks)
    due = sorted(enumerate(flushes), key=lambda item: item[1][0])
    while True:
        while due and due[0][1][0] <= at:
            number, (_, cut) = due.pop(0)
            results += recogniser.flush(f"f{number}", cut)
        if at >= total:
            break
        end = min(at + next(sizes, how.audio.sample_rate // 10), total, *(where for _, (where, _) in due[:1]))
        results += recogniser.accept(pcm[at * frame : end * frame])
        at = end
    results += recogniser.finish()
    recogniser.close()
    return results


def durable(results: Iterable[Result]) -> list[Result]:
    return [result for result in results if not isinstance(result, Processed | PartialResult)]


def text_of(results: Iterable[Result]) -> str:
    return " ".join(result.text for result in results if isinstance(result, FinalResult) and result.text)


def check_record(results: Sequence[Result], total: int, rate: int = 16_000) -> None:
    """Hold a session to everything the protocol promises about the order and the accounting of its results."""
    committed, processed, speech_at = 0, 0, 0
    started: int | None = None
    decided = False
    promised, last_partial = "", ""
    for result in results:
        match result:
            case SpeechStarted(at_sample=at):
                assert started is None
                assert max(speech_at, committed) <= at <= total
                started, speech_at, decided, promised, last_partial = at, at, False, "", ""
            case SpeechEnded(at_sample=at):
                assert started is not None
                assert decided, "speech ends after its final"
                assert max(started, speech_at) <= at <= committed
                started, speech_at = None, at
            case PartialResult():
                assert started is not None
                assert not decided
                assert result.text
                assert result.text != last_partial or result.pause_s is not None
                assert result.text.startswith(promised)
                assert 0 <= result.stable <= len(result.text)
                assert 0 <= result.start_s <= result.end_s
                promised, last_partial = max(promised, result.text[: result.stable], key=len), result.text
            case FinalResult():
                assert started is not None
                assert not decided
                assert committed < result.end_sample <= total
                assert result.text.startswith(promised)
                assert committed / rate - 1e-9 <= result.start_s <= result.end_s <= result.end_sample / rate + 1e-9
                assert 0 <= result.confidence <= 1
                times = [time for word in result.words for time in (word.start_s, word.end_s)]
                assert times == sorted(times)
                assert all(result.start_s <= time <= result.end_s for time in times)
                committed, decided = result.end_sample, True
            case UtteranceFailed():
                assert started is not None
                assert not decided
                assert committed < result.end_sample <= total
                committed, decided = result.end_sample, True
            case FlushDone(upto_sample=upto):
                assert committed <= upto <= total
                committed = upto
            case Processed(upto_sample=upto):
                assert processed <= upto <= total
                processed = upto
            case StreamDone(upto_sample=upto):
                assert upto == total
                assert started is None
    assert isinstance(results[-1], StreamDone)


@st.composite
def scripts(draw: st.DrawFn, seconds: float = 12.0, **options: Any) -> Script:
    """Draw a script of words between 20 ms and 1 s with any pauses, within ``seconds``."""
    words, at = [], draw(st.integers(0, 24_000))
    while at < seconds * 16_000 and len(words) < 30:
        end = at + draw(st.integers(320, 16_000))
        words.append(ScriptedWord(text=f"w{len(words)}", start=at, end=end))
        at = end + draw(st.one_of(st.just(0), st.integers(0, 1_000), st.integers(0, 20_000)))
    return Script(words=tuple(words), **options)


def tone(seconds: float, rate: int = 16_000) -> bytes:
    t = np.arange(round(seconds * rate)) / rate
    return (np.sin(2 * np.pi * 440 * t) * 8_000).astype("<i2").tobytes()
