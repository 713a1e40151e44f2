"""A Wyoming server (``README.md`` of wyoming 1.10.2): one connection and one transcript for each utterance.

The server finds no endpoints by default; in Home Assistant the client does. Here a client that never errs does: it
knows from the manifest when the last word ended, and ends the utterance after `SILENCE_S`.
"""

import asyncio
import json
from typing import Any, Final

from peers.sessions import FRAME_S, SAMPLE_BYTES, Session
from tapes import spoken_on

from auricle.engines.protocol import ENGINE_RATE

SILENCE_S: Final = 0.5
"""Behind the last word; as long as what ends an utterance at ours."""
FORMAT: Final = {"rate": ENGINE_RATE, "width": SAMPLE_BYTES, "channels": 1}


async def converse(port: int, session: Session) -> None:
    """Hold a session. Raises `ConnectionError` where a transcript does not come."""
    ends_s = [each.last_word_end_s + SILENCE_S for each in spoken_on(session.tape)]
    transcripts: list[str | None] = [None] * len(ends_s)
    speaking: _Utterance | None = None
    index, position_s = 0, 0.0

    def heard(number: int, text: str) -> None:
        transcripts[number] = text
        session.show(final=" ".join(text for text in transcripts if text))

    async with asyncio.TaskGroup() as tasks:
        async for frame in session.frames():
            position_s += FRAME_S
            if index == len(ends_s):
                continue
            speaking = speaking or await _Utterance.begin(port)
            speaking.send("audio-chunk", FORMAT, frame)
            if position_s >= ends_s[index] or position_s >= session.tape.seconds:
                speaking.send("audio-stop", {})
                tasks.create_task(speaking.end(index, heard))
                index, speaking = index + 1, None
        session.end_input()
    session.done()


class _Utterance:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def begin(cls, port: int) -> "_Utterance":
        utterance = cls(*await asyncio.open_connection("127.0.0.1", port))
        utterance.send("transcribe", {"language": "en"})
        utterance.send("audio-start", FORMAT)
        return utterance

    def send(self, event: str, data: dict[str, Any], payload: bytes = b"") -> None:
        told: dict[str, Any] = {"type": event, "data": data}
        if payload:
            told["payload_length"] = len(payload)
        self._writer.write(json.dumps(told).encode() + b"\n" + payload)

    async def end(self, number: int, heard: Any) -> None:
        """Wait for the transcript."""
        while line := await self._reader.readline():
            told = json.loads(line)
            data: dict[str, Any] = told.get("data") or {}
            if length := told.get("data_length"):
                data |= json.loads(await self._reader.readexactly(length))
            if length := told.get("payload_length"):
                await self._reader.readexactly(length)
            if told["type"] == "transcript":
                heard(number, data["text"])
                self._writer.close()
                return
        raise ConnectionError("the connection was closed without a transcript")
