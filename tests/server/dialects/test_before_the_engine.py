"""Clients that wait for nothing: they have said everything, their end too, before the engine has been loaded."""

import asyncio
import base64
import json
import threading
from typing import Any

import pytest

from auricle.engines.loading import Loaded
from auricle.engines.protocol import LoadProgress
from auricle.engines.scripted.engine import ScriptedEngine
from auricle.engines.scripted.script import COUNTING
from server.dialects.dialect_server import SECOND, DialectServer, dialect_server

websockets = pytest.importorskip("websockets", reason="websockets is not installed")

PATIENCE_S = 60.0
WORDS = ["one", "two", "three", "four", "five", "six", "seven"]


def text_of(message: dict[str, Any]) -> str:
    """The words of a final, in whatever dialect; nothing for any other message."""
    if message["type"] == "Results" and message["is_final"]:
        return str(message["channel"]["alternatives"][0]["transcript"])
    if message["type"] == "final":
        return str(message["text"])
    return str(message.get("transcript", ""))


def in_base64(kind: str, name: str, audio: bytes) -> str:
    return json.dumps({"type": kind, name: base64.b64encode(audio).decode()})


SAID: dict[str, tuple[str, list[str | bytes]]] = {
    "deepgram": (
        "/v1/listen?encoding=linear16&sample_rate=16000",
        ['{"type":"KeepAlive"}', *[SECOND] * 4, '{"type":"Finalize"}', '{"type":"CloseStream"}'],
    ),
    "openai": (
        "/v1/realtime?intent=transcription",
        [
            '{"type":"session.update","session":{"audio":{"input":{"turn_detection":null}}}}',
            *[in_base64("input_audio_buffer.append", "audio", bytes(48_000))] * 4,
            '{"type":"input_audio_buffer.commit","final":true}',
        ],
    ),
    "the old dialect": ("/ws/transcribe", ["{}", *[SECOND] * 4, '{"type":"end_of_stream"}']),
}


@pytest.mark.parametrize("name", SAID)
def test_nothing_that_was_said_before_is_lost(name: str) -> None:
    path, said = SAID[name]
    may_load = threading.Event()

    def late(_progress: LoadProgress) -> Loaded:
        assert may_load.wait(PATIENCE_S)
        return Loaded(engine=ScriptedEngine(COUNTING))

    async def talk(server: DialectServer) -> list[dict[str, Any]]:
        async with asyncio.timeout(PATIENCE_S), websockets.connect(f"{server.ws}{path}") as socket:
            for item in said:
                await socket.send(item)
            may_load.set()
            heard = [json.loads(message) async for message in socket]
        assert socket.close_code == 1000
        return heard

    with dialect_server(source=late) as server:
        heard = asyncio.run(talk(server))
    assert " ".join(map(text_of, heard)).split() == WORDS
