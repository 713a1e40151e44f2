"""WhisperLive, as its packaged client speaks with it (``whisper_live/client.py`` of 0.10.0).

A segment is final when it is ``completed``. The server sends nothing in answer to ``END_OF_AUDIO``: it closes. That is
why the packaged client first waits until the last segment has not changed for 15 s, and so does this one.
"""

import json
import uuid
from typing import Any, Final

import aiohttp
import numpy as np
from peers.clients.websocket import connected, messages, speak_and_listen
from peers.sessions import Session

QUIET_S: Final = 15.0
"""``disconnect_if_no_response_for`` of its client."""
START: Final = {
    "language": "en",
    "task": "transcribe",
    "model": "tiny.en",
    "use_vad": True,
    "send_last_n_segments": 10,
    "no_speech_thresh": 0.45,
    "clip_audio": False,
    "same_output_threshold": 10,
}
"""What its client sends by default, and the language."""


async def converse(port: int, session: Session) -> None:
    """Hold a session. Raises `ConnectionError` where the server refuses it or goes."""
    async with connected(f"ws://127.0.0.1:{port}") as socket:
        await socket.send_str(json.dumps({"uid": str(uuid.uuid4()), **START}))
        told = messages(socket)
        ready = await anext(told)
        if ready.get("message") != "SERVER_READY":
            raise ConnectionError(f"it answered {ready.get('status')}: {ready.get('message')}")
        listener = _Listener(session)
        await speak_and_listen(_speak(socket, session, listener), listener.listen(told))


class _Listener:
    def __init__(self, session: Session) -> None:
        self.changed_s = 0.0
        """When the text of the last segment was another one for the last time."""
        self._session = session
        self._completed: dict[str, str] = {}
        self._last = ""

    async def listen(self, told: Any) -> None:
        async for message in told:
            if "segments" in message:
                self._show(message["segments"])
        if self._session.input_end_s is not None:
            self._session.done()

    def _show(self, segments: list[dict[str, Any]]) -> None:
        """Show all segments, those too that the server sent once and does not repeat."""
        if segments[-1]["text"] != self._last:
            self.changed_s, self._last = self._session.now_s(), segments[-1]["text"]
        self._completed |= {each["start"]: each["text"] for each in segments if each["completed"]}
        self._session.show(
            final=" ".join(self._completed.values()),
            open_=" ".join(each["text"] for each in segments if not each["completed"]),
        )


async def _speak(socket: aiohttp.ClientWebSocketResponse, session: Session, listener: _Listener) -> None:
    async for frame in session.frames():
        await socket.send_bytes((np.frombuffer(frame, "<i2").astype("<f4") / 32768).tobytes())
    session.end_input()
    await session.until_quiet(lambda: listener.changed_s, QUIET_S)
    await socket.send_bytes(b"END_OF_AUDIO")
