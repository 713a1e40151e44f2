"""A microphone that plays a recording in real time, and silence after it."""

import asyncio

from livekit import rtc
from livekit.agents.voice import io

FRAMES_A_SECOND = 50


class RecordingInput(io.AudioInput):
    """16-bit mono samples at ``rate``, in frames of 20 ms."""

    def __init__(self, pcm: bytes, rate: int) -> None:
        super().__init__(label="recording")
        self._pcm = pcm
        self._rate = rate
        self._at = 0
        self._due: float | None = None

    async def __anext__(self) -> rtc.AudioFrame:
        now = asyncio.get_running_loop().time()
        self._due = (now if self._due is None else self._due) + 1 / FRAMES_A_SECOND
        await asyncio.sleep(self._due - now)
        samples = self._rate // FRAMES_A_SECOND
        piece = self._pcm[self._at : self._at + 2 * samples].ljust(2 * samples, b"\0")
        self._at += 2 * samples
        return rtc.AudioFrame(piece, self._rate, 1, samples)
