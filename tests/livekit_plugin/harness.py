"""Runs a stream of the plugin against a simulated server on virtual time: the base of every scenario."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import APIConnectOptions
from livekit.agents.stt import SpeechEvent, SpeechEventType
from livekit.plugins.auricle import STT, SpeechStream

from auricle.transports.asyncio import client as asyncio_client
from auricle.transports.testing.asyncio import AsyncioLoop
from livekit_plugin.fake_engine import BLOCK, RATE, frame_of
from livekit_plugin.simulated_server import SimulatedServer

EPOCH_S = 1_800_000_000.0
"""Wall-clock time at which virtual time begins."""
KEY = "a-secret-key"


@dataclass
class Heard:
    """What the consumer of a stream received."""

    events: list[SpeechEvent] = field(default_factory=list)
    error: BaseException | None = None
    ended_at: float | None = None
    """Virtual time at which the stream ended, with an error or without."""

    def of(self, type: SpeechEventType) -> list[SpeechEvent]:
        return [event for event in self.events if event.type == type]

    @property
    def texts(self) -> list[str]:
        finals = self.of(SpeechEventType.FINAL_TRANSCRIPT)
        return [final.alternatives[0].text for final in finals if final.alternatives[0].text]

    @property
    def words(self) -> list[str]:
        return " ".join(self.texts).split()

    def check(self) -> None:
        """Check what holds for every stream: speech starts and ends alternate, and transcripts lie between them."""
        speaking = False
        for event in self.events:
            if event.type == SpeechEventType.START_OF_SPEECH:
                assert not speaking, "two starts of speech in a row"
                speaking = True
            elif event.type == SpeechEventType.END_OF_SPEECH:
                assert speaking, "an end of speech without a start"
                speaking = False
            elif event.type != SpeechEventType.RECOGNITION_USAGE:
                assert event.alternatives, "an event about speech has an alternative"
                if event.alternatives[0].text:
                    assert speaking, f"{event.type} outside of speech"
        assert not speaking, "every start of speech has its end"


class Harness:
    """One server and one STT. The wall clock follows virtual time."""

    def __init__(self, server: SimulatedServer, **options: Any) -> None:
        self.server = server
        self.stt = STT(url="ws://sim.invalid/?token=query-secret", api_key=KEY, **options)
        self.errors: list[Any] = []
        self.metrics: list[Any] = []
        self.stt.on("error", self.errors.append)
        self.stt.on("metrics_collected", self.metrics.append)

    def open(self, *, max_retry: int = 3, timeout: float = 10.0, retry_interval: float = 2.0) -> SpeechStream:
        conn_options = APIConnectOptions(max_retry=max_retry, timeout=timeout, retry_interval=retry_interval)
        return self.stt.stream(conn_options=conn_options)


def now() -> float:
    return asyncio.get_running_loop().time()


def push(stream: SpeechStream, *values: int, blocks: int = 10) -> None:
    """Push audio: each value for so many blocks of 10 ms, all at once."""
    for value in values:
        for _ in range(blocks):
            stream.push_frame(rtc.AudioFrame(frame_of(value), RATE, 1, BLOCK))


async def speak(stream: SpeechStream, *values: int, blocks: int = 10) -> None:
    """Push audio in real time."""
    for value in values:
        for _ in range(blocks):
            await asyncio.sleep(0.01)
            stream.push_frame(rtc.AudioFrame(frame_of(value), RATE, 1, BLOCK))


async def listen(stream: SpeechStream, heard: Heard) -> None:
    """Collect the events of a stream until it ends."""
    try:
        async for event in stream:
            heard.events.append(event)
    except Exception as error:
        heard.error = error
    heard.ended_at = now()


def run_scenario(
    monkeypatch: pytest.MonkeyPatch,
    server: SimulatedServer,
    scenario: Callable[[Harness], Awaitable[Any]],
    **options: Any,
) -> Any:
    """Run a scenario on virtual time. Fails where it does not end, or leaves a task."""

    async def main() -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(asyncio_client, "open_websocket", server.open_websocket)
            patch.setattr(asyncio_client, "getrandbits", lambda bits: 0)  # the same jitter at every run
            patch.setattr(time, "time", lambda: EPOCH_S + now())
            patch.setattr(time, "perf_counter", now)
            harness = Harness(server, **options)
            try:
                return await scenario(harness)
            finally:
                await harness.stt.aclose()
                await server.aclose()

    return AsyncioLoop().run(main)
