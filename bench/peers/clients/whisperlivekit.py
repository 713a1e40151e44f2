"""WhisperLiveKit on ``/asr`` (``docs/API.md`` of 0.2.26): the whole state again and again, and ``ready_to_stop``.

Lines are final, ``buffer_transcription`` is not. An empty frame is the end of the audio; the client closes.
"""

from typing import Any, Final

import aiohttp
from peers.clients.websocket import connected, messages, speak_and_listen
from peers.sessions import Session

SILENCE: Final = -2
"""The speaker of a line without speech."""


async def converse(port: int, session: Session) -> None:
    """Hold a session. Raises `ConnectionError` where the server goes."""
    async with connected(f"ws://127.0.0.1:{port}/asr?language=en") as socket:
        await speak_and_listen(_speak(socket, session), _listen(socket, session))


async def _speak(socket: aiohttp.ClientWebSocketResponse, session: Session) -> None:
    async for frame in session.frames():
        await socket.send_bytes(frame)
    session.end_input()
    await socket.send_bytes(b"")


async def _listen(socket: aiohttp.ClientWebSocketResponse, session: Session) -> None:
    async for message in messages(socket):
        if message.get("type") == "ready_to_stop":
            session.done()
            return
        if "lines" in message:
            session.show(final=_final(message["lines"]), open_=message["buffer_transcription"])


def _final(lines: list[dict[str, Any]]) -> str:
    return " ".join(line["text"] for line in lines if line["text"] and line["speaker"] != SILENCE)
