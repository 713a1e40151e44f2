"""RealtimeSTT's multi-user server (``example_fastapi_server`` of 1.1.2), as its page speaks with it.

``realtime`` is the open text of the segment that is spoken, ``final`` its last. The end of the audio is ``stop``; no
message says that this was all, so the session is over when nothing but status has come for a while.
"""

import json
import struct
from typing import Any, Final

import aiohttp
from peers.clients.websocket import connected, messages, speak_and_listen
from peers.sessions import SAMPLE_BYTES, Session

from auricle.engines.protocol import ENGINE_RATE

QUIET_S: Final = 5.0
"""Without text behind ``stop``; far more than a final takes where it is alone."""


async def converse(port: int, session: Session) -> None:
    """Hold a session. Raises `ConnectionError` where the server refuses it or goes."""
    async with connected(f"ws://127.0.0.1:{port}/ws/transcribe") as socket:
        told = messages(socket)
        async for message in told:
            if message["type"] == "error":
                raise ConnectionError(str(message.get("message")))
            if message["type"] == "ready":
                break
        await socket.send_str(json.dumps({"type": "start"}))
        await speak_and_listen(_speak(socket, session), _listen(told, session))


async def _speak(socket: aiohttp.ClientWebSocketResponse, session: Session) -> None:
    async for frame in session.frames():
        told = {"sampleRate": ENGINE_RATE, "channels": 1, "format": "pcm_s16le", "frames": len(frame) // SAMPLE_BYTES}
        header = json.dumps(told).encode()
        await socket.send_bytes(struct.pack("<I", len(header)) + header + frame)
    session.end_input()
    await socket.send_str(json.dumps({"type": "stop"}))
    await session.until_quiet(lambda: _last_text_s(session), QUIET_S)
    session.done_s = _last_text_s(session)
    await socket.close()


def _last_text_s(session: Session) -> float:
    assert session.input_end_s is not None
    return max(session.input_end_s, session.shown[-1].at_s if session.shown else 0.0)


async def _listen(told: Any, session: Session) -> None:
    finals = list[str]()
    async for message in told:
        if message["type"] == "final":
            finals.append(message["text"])
            session.show(final=" ".join(finals))
        elif message["type"] == "realtime":
            session.show(final=" ".join(finals), open_=message["text"])
        elif message["type"] == "error":
            raise ConnectionError(str(message.get("message")))
