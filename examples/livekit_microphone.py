"""The same agent on your microphone: python examples/livekit_microphone.py (pip install sounddevice)."""

import asyncio
from typing import Any

import sounddevice
from livekit import rtc
from livekit.agents.voice import io
from livekit_terminal import FRAME_S, listen

RATE = 16_000


class Microphone(io.AudioInput):
    """The default input device of the machine."""

    def __init__(self) -> None:
        super().__init__(label="microphone")
        self._frames: asyncio.Queue[bytes] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    def hear(self, pcm: Any, *_: Any) -> None:
        """Take audio, in the sound library's own thread."""
        self._loop.call_soon_threadsafe(self._frames.put_nowait, bytes(pcm))

    async def __anext__(self) -> rtc.AudioFrame:
        pcm = await self._frames.get()
        return rtc.AudioFrame(pcm, RATE, 1, len(pcm) // 2)


async def main() -> None:
    microphone = Microphone()
    samples = int(FRAME_S * RATE)
    with sounddevice.RawInputStream(RATE, samples, channels=1, dtype="int16", callback=microphone.hear):
        print("Speak; Ctrl-C ends it.")
        await listen(microphone, asyncio.Event())


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        print()
