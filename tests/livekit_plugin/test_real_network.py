"""Our server on a real socket, and between it and the plugin a proxy that cuts, also in the middle of a frame."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from livekit import rtc
from livekit.agents.stt import SpeechEventType
from livekit.plugins.auricle import STT
from server.test_server import auricle

from auricle.engines.scripted.script import NUMBERS
from livekit_plugin.harness import Heard, listen

PATIENCE_S = 30.0
CUTS = 4
SECONDS = 12
"""One round of counting to twenty."""


class Proxy:
    """Passes bytes on, until it does not."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections = 0

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers |= {writer, upstream_writer}
        for pair in ((reader, upstream_writer), (upstream_reader, writer)):
            task = asyncio.create_task(self._pass_on(*pair))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1000):
                writer.write(data)
                await writer.drain()
            writer.close()
        except OSError:
            writer.transport.abort()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def aclose(self) -> None:
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def proxy_to(url: str) -> AsyncIterator[tuple[Proxy, str]]:
    proxy = Proxy(urlsplit(url).port or 0)
    listening = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    async with listening:
        yield proxy, f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        await proxy.aclose()


def test_cuts_on_a_real_network_cost_no_word_and_double_none() -> None:
    heard = Heard()

    async def scenario(url: str) -> None:
        async with asyncio.timeout(PATIENCE_S), proxy_to(url) as (proxy, address), STT(url=address) as stt:
            stream = stt.stream()
            listening = asyncio.create_task(listen(stream, heard))
            frames = SECONDS * 50
            for number in range(frames):
                stream.push_frame(rtc.AudioFrame(bytes(640), 16_000, 1, 320))
                await asyncio.sleep(0.004)
                if number % (frames // (CUTS + 1)) == frames // (CUTS + 1) - 1:
                    proxy.cut()
            stream.end_input()
            await listening
            assert proxy.connections > CUTS
            assert stream.report.complete is True
            assert stream.report.sessions == 1, "resumed, not begun anew"
            await stream.aclose()

    with auricle() as url:
        asyncio.run(scenario(url))
    heard.check()
    assert heard.error is None
    assert heard.words == list(NUMBERS)
    ends = [event.alternatives[0].end_time for event in heard.of(SpeechEventType.FINAL_TRANSCRIPT)]
    assert ends == sorted(ends)
