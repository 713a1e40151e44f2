"""A pipeline of one service that runs, and what comes out of it."""

import asyncio
import time
from typing import Any

from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    MetricsFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.metrics.metrics import TTFBMetricsData
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.stt_service import STTService
from pipecat.workers.runner import WorkerRunner

RATE = 16_000
STOP_S = 0.2
"""Silence that Pipecat's voice detector takes for the end of speech, by default."""

PATIENCE_S = 30.0


class Sink(FrameProcessor):
    """The end of the pipeline: keeps what arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[Frame] = []
        self._arrived = asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        self.frames.append(frame)
        self._arrived.set()
        await self.push_frame(frame, direction)

    def of(self, kind: type) -> list[Any]:
        return [frame for frame in self.frames if isinstance(frame, kind)]

    async def until(self, kind: type, count: int = 1) -> None:
        """Wait until so many frames of a kind have arrived. Raises `TimeoutError` where they do not come."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.of(kind)) < count:
                self._arrived.clear()
                await self._arrived.wait()


class RunningPipeline:
    """Made in an event loop; `begin` it, and `end` it."""

    def __init__(self, stt: STTService) -> None:
        self.stt = stt
        self.sink = Sink()
        self.errors: list[ErrorFrame] = []
        self.ended_at = 0.0
        stt.add_event_handler("on_error", self._on_error)
        self.worker = PipelineWorker(
            Pipeline([stt, self.sink]),
            params=PipelineParams(audio_in_sample_rate=RATE, enable_metrics=True, enable_usage_metrics=True),
            cancel_on_idle_timeout=False,
            enable_rtvi=False,
        )
        self._task: asyncio.Task[None] | None = None

    async def _on_error(self, _: object, error: ErrorFrame) -> None:
        self.errors.append(error)

    async def begin(self) -> None:
        """Run the pipeline, and wait until it has started."""
        started = asyncio.Event()

        async def on_started(*_: object) -> None:
            started.set()

        self.worker.add_event_handler("on_pipeline_started", on_started)
        self._task = asyncio.create_task(self._run())
        await started.wait()

    async def _run(self) -> None:
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(self.worker)
        await runner.run()
        self.ended_at = now()

    async def hear(self, pcm: bytes) -> None:
        await self.worker.queue_frame(InputAudioRawFrame(pcm, RATE, 1))

    async def speech_begins(self) -> None:
        await self.worker.queue_frame(VADUserStartedSpeakingFrame(start_secs=STOP_S, timestamp=time.time()))

    async def speech_ends(self) -> None:
        await self.worker.queue_frame(VADUserStoppedSpeakingFrame(stop_secs=STOP_S, timestamp=time.time()))

    async def end(self, frame: EndFrame | CancelFrame | None = None) -> None:
        """End the pipeline unless it has ended, and wait until it has."""
        if self._task is not None and not self._task.done():
            await self.worker.queue_frame(frame or EndFrame())
            await self._task

    @property
    def finals(self) -> list[TranscriptionFrame]:
        return self.sink.of(TranscriptionFrame)

    @property
    def words(self) -> list[str]:
        return " ".join(frame.text for frame in self.finals).split()

    @property
    def interims(self) -> list[InterimTranscriptionFrame]:
        return self.sink.of(InterimTranscriptionFrame)

    @property
    def ttfb_s(self) -> list[float]:
        data = [item for frame in self.sink.of(MetricsFrame) for item in frame.data]
        return [item.value for item in data if isinstance(item, TTFBMetricsData) and item.value]


def now() -> float:
    return asyncio.get_running_loop().time()
