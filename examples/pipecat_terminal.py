"""A Pipecat pipeline that only listens, in the terminal: python examples/pipecat_terminal.py RECORDING.

No cloud, no language model. Prints what is said while it is said, and each turn with how long its last final took after
the end of speech. Needs an Auricle server (AURICLE_URL, else ws://127.0.0.1:8765).
``microphone`` in the place of the recording listens to that, with sounddevice.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from importlib import import_module

import soundfile
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    MetricsFrame,
    TranscriptionFrame,
)
from pipecat.metrics.metrics import TTFBMetricsData
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from pipecat_auricle import AuricleSTTService

RATE = 16_000
FRAME_S = 0.02
SILENCE_S = 1.0
"""After the recording, so that the voice detector hears its end."""


class Terminal(FrameProcessor):
    """Prints transcripts: of what is said at the moment, the part in brackets may still change."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InterimTranscriptionFrame) and frame.result is not None:
            stable = frame.result.stable
            print(f" ...: {frame.text[:stable]}[{frame.text[stable:]}]", flush=True)
        elif isinstance(frame, TranscriptionFrame):
            print(f"{'turn' if frame.finalized else 'said'}: {frame.text}", flush=True)
        elif isinstance(frame, MetricsFrame):
            for item in frame.data:
                if isinstance(item, TTFBMetricsData) and item.value:
                    print(f"      (its final came {item.value:.2f} s after the end of speech)", flush=True)
        await self.push_frame(frame, direction)


async def recording(path: str) -> AsyncIterator[bytes]:
    """Play a file as if it were being said."""
    samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    if rate != RATE:
        raise SystemExit(f"{path} has {rate} Hz, and this example plays {RATE}: sox {path} -r {RATE} -c 1 out.flac")
    pcm = samples[:, 0].tobytes() + bytes(2 * int(SILENCE_S * RATE))
    loop = asyncio.get_running_loop()
    begun = loop.time()
    step = 2 * int(FRAME_S * RATE)
    for number, at in enumerate(range(0, len(pcm), step)):
        await asyncio.sleep(begun + number * FRAME_S - loop.time())
        yield pcm[at : at + step]


async def microphone() -> AsyncIterator[bytes]:
    """Listen until somebody presses Ctrl-C."""
    sounddevice = import_module("sounddevice")  # only those who use it have it
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def put(data: object, *_: object) -> None:
        loop.call_soon_threadsafe(heard.put_nowait, bytes(data))  # type: ignore[call-overload]

    with sounddevice.RawInputStream(RATE, int(FRAME_S * RATE), channels=1, dtype="int16", callback=put):
        while True:
            yield await heard.get()


async def main(source: str) -> None:
    worker = PipelineWorker(
        Pipeline([VADProcessor(vad_analyzer=SileroVADAnalyzer()), AuricleSTTService(), Terminal()]),
        params=PipelineParams(audio_in_sample_rate=RATE, enable_metrics=True),
        enable_rtvi=False,
    )
    runner = WorkerRunner()
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    async for pcm in microphone() if source == "microphone" else recording(source):
        if running.done():
            return
        await worker.queue_frame(InputAudioRawFrame(pcm, RATE, 1))
    await worker.queue_frame(EndFrame())
    await running


if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    asyncio.run(main(sys.argv[1]))
