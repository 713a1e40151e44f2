"""A voice agent that only listens, in the terminal: python examples/livekit_terminal.py RECORDING.

No cloud, no LiveKit server, no language model. Prints what is said while it is said, and each turn with how long the
framework waited for it. Needs an Auricle server (AURICLE_URL, else ws://127.0.0.1:8765).
"""

import asyncio
import sys

import soundfile
from livekit import rtc
from livekit.agents import Agent, AgentSession, UserInputTranscribedEvent, llm
from livekit.agents.voice import io
from livekit.plugins import auricle

FRAME_S = 0.02
SILENCE_S = 4.0
"""After the recording, so that its last turn is over."""


class Recording(io.AudioInput):
    """Plays a file as if it were being said."""

    def __init__(self, path: str) -> None:
        super().__init__(label=path)
        samples, self._rate = soundfile.read(path, dtype="int16", always_2d=True)
        self._channels = samples.shape[1]
        self._pcm = samples.tobytes() + bytes(2 * self._channels * int(SILENCE_S * self._rate))
        self._at = 0
        self._due: float | None = None
        self.over = asyncio.Event()

    async def __anext__(self) -> rtc.AudioFrame:
        now = asyncio.get_running_loop().time()
        self._due = (now if self._due is None else self._due) + FRAME_S
        await asyncio.sleep(self._due - now)
        piece = self._pcm[self._at : self._at + 2 * int(FRAME_S * self._rate) * self._channels]
        self._at += len(piece)
        if not piece:
            self.over.set()
            raise StopAsyncIteration
        return rtc.AudioFrame(piece, self._rate, self._channels, len(piece) // (2 * self._channels))


class Listener(Agent):
    """Prints its turns."""

    def __init__(self) -> None:
        super().__init__(instructions="Listen.")

    async def on_user_turn_completed(self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage) -> None:
        waited = new_message.metrics or {}
        words_s, turn_s = waited.get("transcription_delay", 0.0), waited.get("end_of_turn_delay", 0.0)
        print(f"turn: {new_message.text_content} (the words took {words_s:.2f} s, the turn {turn_s:.2f} s)", flush=True)


def show(event: UserInputTranscribedEvent) -> None:
    print(f"{'said' if event.is_final else ' ...'}: {event.transcript}", flush=True)


async def listen(microphone: io.AudioInput, over: asyncio.Event) -> None:
    """Hold a session until it is over."""
    async with auricle.STT() as stt:
        session: AgentSession[None] = AgentSession(stt=stt)
        session.on("user_input_transcribed", show)
        session.input.audio = microphone
        await session.start(Listener())
        await over.wait()
        await session.aclose()


async def main(path: str) -> None:
    recording = Recording(path)
    await listen(recording, recording.over)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
