"""Speech through the plugin and a real server process: what LiveKit asks of every STT plugin, and that streams end.

LiveKit's own cross-provider test (tests/test_stt.py there) pushes 10 ms frames at 24 kHz, twice as fast as they were
spoken, and wants a FINAL, alternating starts and ends, an English language and a word error rate of 0.25 at most. It
stops listening after the last final; here the stream has to end by itself, with its books in order.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jiwer
import numpy as np
import pytest
import soxr
from engines.session_harness import clip_pcm, clips
from livekit import rtc
from livekit.agents import AgentSession, TurnHandlingOptions
from livekit.agents.stt import SpeechEvent, SpeechEventType
from livekit.plugins.auricle import STT

from livekit_plugin.agent_harness import ListeningAgent, SessionLog
from livekit_plugin.harness import Heard
from livekit_plugin.recording_input import RecordingInput

RATE = 24_000
WER_BOUND = 0.25
PATIENCE_S = 60.0
"""From `end_input` to the end of the stream, work already done (the seed's bound)."""
READY = re.compile(r"listens on (\S+)")
SPOKEN = {
    "sphinx": ("goforward", "austen-0920", "LJ001-0016"),
    "whisper": ("goforward", "LJ001-0002", "austen-0880", "libri-6930-75918-0000"),
}
"""What each engine can be held to: sphinx is modest."""


@contextmanager
def server(*arguments: str) -> Iterator[str]:
    """Run ``auricle serve`` in a process of its own; yields its URL."""
    program = "from auricle.server.cli.entry import main; main()"
    command = [sys.executable, "-c", program, "serve", "--port", "0", *arguments]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "NO_COLOR": "1"}
    )
    try:
        assert process.stdout is not None
        told = []
        for line in process.stdout:
            told.append(line)
            found = READY.search(line)
            if found:
                yield found[1]
                return
        pytest.skip(f"this engine cannot be had here: {''.join(told).strip()}")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def engine_arguments(engine: str) -> tuple[str, ...]:
    if engine == "sphinx":
        return ("--engine", "sphinx")
    return ("--engine", "whisper", "--model", "tiny.en")


Spoken = tuple[str, bytes, str]
"""A server's URL, what is said to it at 24 kHz, and the true text."""


@contextmanager
def spoken_to(engine: str) -> Iterator[Spoken]:
    rows = clips()
    with server(*engine_arguments(engine)) as url:
        pause = bytes(2 * 16_000)
        chosen = SPOKEN[engine]
        pcm = np.frombuffer(pause + pause.join(clip_pcm(clip) for clip in chosen) + pause[:8_000], dtype=np.int16)
        resampled = soxr.resample(pcm, 16_000, RATE)
        yield url, resampled.astype(np.int16).tobytes(), " ".join(rows[clip]["text"] for clip in chosen)


@pytest.fixture(scope="module", params=["whisper", "sphinx"])
def spoken(request: pytest.FixtureRequest) -> Iterator[Spoken]:
    with spoken_to(request.param) as what:
        yield what


@pytest.fixture(scope="module")
def to_sphinx() -> Iterator[Spoken]:
    with spoken_to("sphinx") as what:
        yield what


def plain(text: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9' ]", " ", text.lower()).split())


def frames_of(pcm: bytes, rate: int = RATE) -> list[rtc.AudioFrame]:
    step = 2 * rate // 100
    pieces = [pcm[at : at + step] for at in range(0, len(pcm), step)]
    return [rtc.AudioFrame(piece, rate, 1, len(piece) // 2) for piece in pieces]


def test_recognition_in_one_piece(spoken: Spoken) -> None:
    url, pcm, text = spoken

    async def recognise() -> SpeechEvent:
        async with STT(url=url) as stt:
            return await stt.recognize(frames_of(pcm))

    event = asyncio.run(recognise())
    said = event.alternatives[0]
    assert event.type == SpeechEventType.FINAL_TRANSCRIPT
    assert jiwer.wer(plain(text), plain(said.text)) <= WER_BOUND
    assert said.language.startswith("en")
    assert said.words is not None
    assert plain("".join(said.words)).replace(" ", "") == plain(said.text).replace(" ", "")


def test_streaming_recognition(spoken: Spoken) -> None:
    url, pcm, text = spoken
    heard = Heard()
    seconds = len(pcm) / 2 / RATE

    async def stream_it() -> Any:
        async with asyncio.timeout(PATIENCE_S), STT(url=url) as stt:
            stream = stt.stream()

            async def push() -> None:
                for frame in frames_of(pcm):
                    stream.push_frame(frame)
                    await asyncio.sleep(0.005)
                stream.end_input()
                stream.end_input()

            pushing = asyncio.create_task(push())
            async for event in stream:
                heard.events.append(event)
            await pushing
            await stream.aclose()
            return stream.report

    report = asyncio.run(stream_it())
    heard.check()
    finals = [event.alternatives[0] for event in heard.of(SpeechEventType.FINAL_TRANSCRIPT)]
    assert jiwer.wer(plain(text), plain(" ".join(heard.texts))) <= WER_BOUND
    assert all(final.language.lower().startswith("en") for final in finals)
    assert heard.of(SpeechEventType.INTERIM_TRANSCRIPT)
    assert report.complete is True
    assert report.pushed == pytest.approx(seconds, abs=0.05)
    times = [time for final in finals for word in final.words or () for time in (word.start_time, word.end_time)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= seconds
    usage = [event.recognition_usage for event in heard.of(SpeechEventType.RECOGNITION_USAGE)]
    assert sum(told.audio_duration for told in usage if told) == pytest.approx(seconds, abs=0.05)


@pytest.mark.parametrize("handling", ["default", "vad"])
def test_an_agent_session_with_livekits_own_ear_for_turns(to_sphinx: Spoken, handling: str) -> None:
    """In real time: the framework's local voice detector, and by default its local model of turns, beside our STT."""
    url, pcm, _ = to_sphinx
    seconds = 4.5
    options = TurnHandlingOptions(turn_detection="vad") if handling == "vad" else TurnHandlingOptions()

    async def converse() -> SessionLog:
        told = SessionLog()
        async with asyncio.timeout(PATIENCE_S), STT(url=url) as stt:
            session: AgentSession[Any] = AgentSession(stt=stt, turn_handling=options)
            turned = asyncio.Event()
            session.on("error", told.errors.append)
            microphone = RecordingInput(pcm[: int(2 * seconds * RATE)], RATE)
            session.input.audio = microphone
            await session.start(ListeningAgent(told, turned.set))
            await turned.wait()
            await session.aclose()
            return told

    told = asyncio.run(converse())
    assert jiwer.wer("go forward ten meters", plain(told.turns[0].text)) <= WER_BOUND
    assert told.turns[0].metrics["transcription_delay"] > 0.0
    assert not told.errors
