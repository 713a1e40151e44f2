"""Many streams of the LiveKit plugin through an hour of mostly silence, in accelerated time.

    PYTHONPATH=tests python bench/livekit_soak.py [--streams 100] [--minutes 60] [--frame-ms 100]

Each stream says a word every half minute and loses its connection every ten minutes; the server is simulated, the clock
virtual, everything else real. Prints memory as it goes. Ends with 1 unless memory and the number of objects stay flat
after the first tenth, no task is left, every word has arrived and the log stays short.
"""

import argparse
import asyncio
import gc
import logging
import resource
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from livekit import rtc
from livekit.agents.stt import SpeechEventType
from livekit.plugins.auricle import STT, SpeechStream
from livekit_plugin.fake_engine import RATE, frame_of
from livekit_plugin.simulated_server import SimulatedServer

from auricle.transports.asyncio import client as asyncio_client
from auricle.transports.testing.asyncio import VirtualLoop

WORD_EVERY_S = 30
CUT_EVERY_S = 600
MOST_GROWTH = 0.1
"""Of the memory after the first tenth, and of the number of Python's objects: an allocator keeps what it had to get."""
MOST_RECORDS_A_CUT = 2
"""Log records for each lost connection: one is enough, a second is forgiven."""


class CountingHandler(logging.Handler):
    """Counts what would have been logged."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.counts: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Count a record."""
        self.counts[f"{record.name}: {record.msg}"] += 1


class Size(NamedTuple):
    """How much there is of everything."""

    memory_mb: float
    objects: int

    def growth(self, before: "Size") -> float:
        """Return the greater of the two, as a share of what there was before."""
        return max(self.memory_mb / before.memory_mb, self.objects / before.objects) - 1


def size() -> Size:
    """Measure resident memory, in MiB, and Python's objects."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return Size(pages * resource.getpagesize() / 2**20, len(gc.get_objects()))


async def talk(stream: SpeechStream, seconds: int, frame_s: float, lag_s: float) -> int:
    """Push mostly silence in real (virtual) time; return how many words were said."""
    blocks, words = round(frame_s * 100), 0
    silence = frame_of(0, blocks)
    loop = asyncio.get_running_loop()
    began = loop.time() + lag_s
    for number in range(round(seconds / frame_s)):
        await asyncio.sleep(began + (number + 1) * frame_s - loop.time())
        speaks = round(number * frame_s * 10) % (WORD_EVERY_S * 10) == 0
        words += speaks
        pcm = frame_of(1 + words % 1000, blocks) if speaks else silence
        stream.push_frame(rtc.AudioFrame(pcm, RATE, 1, len(pcm) // 2))
    stream.end_input()
    return words


async def listen(stream: SpeechStream) -> int:
    """Return how many words were heard."""
    words = 0
    async for event in stream:
        if event.type == SpeechEventType.FINAL_TRANSCRIPT:
            words += len(event.alternatives[0].text.split())
    return words


async def soak(streams: int, seconds: int, frame_s: float) -> tuple[list[Size], int, int]:
    """Return sizes over time, words said and words heard."""
    server, sizes = SimulatedServer(), list[Size]()
    asyncio_client.open_websocket = server.open_websocket  # type: ignore[assignment]
    async with STT(url="ws://simulated.invalid") as stt:
        opened = [stt.stream() for _ in range(streams)]
        listening = [asyncio.create_task(listen(stream)) for stream in opened]
        talking = [
            asyncio.create_task(talk(stream, seconds, frame_s, lag_s=number * frame_s / streams))
            for number, stream in enumerate(opened)
        ]
        for tenth in range(1, 11):
            await asyncio.sleep(seconds / 10 - 0.01)
            sizes.append(size())
            now = f"{tenth * seconds / 600:6.1f} min {sizes[-1].memory_mb:8.1f} MiB {sizes[-1].objects:9d} objects"
            print(f"{now} {len(asyncio.all_tasks()):6d} tasks", flush=True)
            if tenth * seconds // 10 % CUT_EVERY_S == 0:
                server.cut()
        said, heard = sum(await asyncio.gather(*talking)), sum(await asyncio.gather(*listening))
        for stream in opened:
            await stream.aclose()
    await server.aclose()
    return sizes, said, heard


def main() -> int:
    """Run it; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--frame-ms", type=int, default=100, choices=(10, 20, 50, 100))
    arguments = parser.parse_args()
    handler = CountingHandler()
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.INFO)
    began = time.perf_counter()
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        seconds = round(arguments.minutes * 60)
        sizes, said, heard = runner.run(soak(arguments.streams, seconds, arguments.frame_ms / 1000))
        left = len(asyncio.all_tasks(runner.get_loop()))
    growth, records = sizes[-1].growth(sizes[0]), sum(handler.counts.values())
    allowed = MOST_RECORDS_A_CUT * arguments.streams * max(1, seconds // CUT_EVERY_S)
    print(f"words: {said} said, {heard} heard; growth: {growth:+.1%}; tasks left: {left}; log records: {records}")
    for message, count in handler.counts.most_common(5):
        print(f"  {count} x {message}")
    print(f"{arguments.streams} x {arguments.minutes:g} min in {time.perf_counter() - began:.0f} s")
    good = said == heard and growth <= MOST_GROWTH and left == 0 and records <= allowed
    print("good" if good else "NOT GOOD")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
