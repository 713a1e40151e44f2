"""Real words of real weights, in every dialect: one sentence, heard live by one server, and a recording of two voices.

Each is heard as fast as it is sent, and without partials where the dialect can do without, so that it costs one decode.
"""

import asyncio
import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import soundfile
import soxr
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient

from auricle.engines.whisper.engine import WhisperEngine
from auricle.engines.whisper.models.packaged import installed_models
from server.dialects.dialect_server import DialectServer, dialect_server

websockets = pytest.importorskip("websockets", reason="websockets is not installed")

AUDIO = Path(__file__).parents[3] / "examples" / "audio"
HELLO = "hello and welcome every word that you say is written down"
MEETING = "good morning everyone and welcome to the meeting let us begin with the report from last week"
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def server() -> Iterator[DialectServer]:
    if "tiny.en" not in installed_models():
        pytest.skip("the extra tiny-en is not installed")
    with dialect_server(source=WhisperEngine("tiny.en", device="cpu"), wyoming_port=0) as running:
        yield running


def spoken(rate: int, subtype: str = "PCM_16") -> bytes:
    """The samples of `HELLO` at this rate."""
    samples, original = soundfile.read(AUDIO / "hello.flac", dtype="float32")
    file = io.BytesIO()
    soundfile.write(file, soxr.resample(samples, original, rate), rate, format="RAW", subtype=subtype)
    return file.getvalue()


def pieces(audio: bytes, size: int = 8_000) -> list[bytes]:
    return [audio[at : at + size] for at in range(0, len(audio), size)]


def bare(text: str) -> str:
    """The words alone, without capitals and marks."""
    return " ".join("".join(each for each in text.lower() if each.isalpha() or each == " ").split())


def told(server: DialectServer, path: str, said: list[str | bytes]) -> list[dict[str, Any]]:
    """Say this on a WebSocket, and return all that comes until the server closes."""

    async def act() -> list[dict[str, Any]]:
        async with asyncio.timeout(PATIENCE_S), websockets.connect(f"{server.ws}{path}") as socket:
            for item in said:
                await socket.send(item)
            return [json.loads(message) async for message in socket]

    return asyncio.run(act())


def in_json(kind: dict[str, Any], name: str, audio: bytes) -> list[str]:
    """Messages that hold audio as base64, under a name."""
    return [json.dumps({**kind, name: base64.b64encode(piece).decode()}) for piece in pieces(audio)]


def test_deepgram(server: DialectServer) -> None:
    query = "encoding=linear16&sample_rate=16000&smart_format=true"
    heard = told(server, f"/v1/listen?{query}", [*pieces(spoken(16_000)), '{"type":"CloseStream"}'])
    finals = [item["channel"]["alternatives"][0] for item in heard if item["type"] == "Results" and item["is_final"]]
    assert bare(" ".join(final["transcript"] for final in finals)) == HELLO
    words = [word for final in finals for word in final["words"]]
    assert [word["word"] for word in words] == HELLO.split()
    assert [word["start"] for word in words] == sorted(word["start"] for word in words)
    assert heard[-1]["models"]
    assert heard[-1]["type"] == "Metadata"


def test_openai_realtime(server: DialectServer) -> None:
    audio_input = {"turn_detection": None, "transcription": {"model": "gpt-transcribe", "delay": "xhigh"}}
    update = {"type": "session.update", "session": {"type": "transcription", "audio": {"input": audio_input}}}
    append = in_json({"type": "input_audio_buffer.append"}, "audio", spoken(24_000))
    commit = {"type": "input_audio_buffer.commit", "final": True}
    heard = told(server, "/v1/realtime?intent=transcription", [json.dumps(update), *append, json.dumps(commit)])
    (completed,) = [item for item in heard if item["type"].endswith("transcription.completed")]
    assert bare(completed["transcript"]) == HELLO
    assert "".join(item["delta"] for item in heard if item["type"].endswith("delta")) == completed["transcript"]


def test_twilio(server: DialectServer) -> None:
    async def act() -> list[dict[str, Any]]:
        listener = await websockets.connect(f"{server.ws}/v1/twilio/transcripts?callSid=CA1")
        async with asyncio.timeout(PATIENCE_S), listener, websockets.connect(f"{server.ws}/v1/twilio") as socket:
            start = {"callSid": "CA1", "streamSid": "MZ1", "customParameters": {"partials": "false", "language": "en"}}
            await socket.send(json.dumps({"event": "start", "start": start}))
            for piece in pieces(spoken(8_000, "ULAW"), 160):
                media = {"payload": base64.b64encode(piece).decode()}
                await socket.send(json.dumps({"event": "media", "media": media}))
            await socket.send('{"event":"stop"}')
            return [json.loads(message) async for message in listener]

    heard = asyncio.run(act())
    assert bare(" ".join(item["text"] for item in heard if item.get("final"))) == HELLO
    assert heard[-1]["complete"] is True


def test_wyoming(server: DialectServer) -> None:
    async def act() -> str:
        form = {"rate": 16_000, "width": 2, "channels": 1}
        async with asyncio.timeout(PATIENCE_S), AsyncTcpClient("127.0.0.1", server.wyoming_port) as client:
            await client.write_event(Transcribe(language="en").event())
            await client.write_event(AudioStart(**form).event())
            for piece in pieces(spoken(16_000)):
                await client.write_event(AudioChunk(audio=piece, **form).event())
            await client.write_event(AudioStop().event())
            while True:
                event = await client.read_event()
                assert event is not None
                if Transcript.is_type(event.type):
                    return Transcript.from_event(event).text

    assert bare(asyncio.run(act())) == HELLO


def test_the_old_dialect(server: DialectServer) -> None:
    config = json.dumps({"language": "en", "sample_rate": 16_000, "task": "transcribe"})
    heard = told(server, "/ws/transcribe", [config, *pieces(spoken(16_000), 32_000), '{"type":"end_of_stream"}'])
    assert bare(" ".join(item["text"] for item in heard if item["type"] == "final")) == HELLO


def test_a_recording_at_file_quality(server: DialectServer) -> None:
    client = openai.OpenAI(base_url=f"{server.http}/v1", api_key="any", timeout=PATIENCE_S)
    heard = client.audio.transcriptions.create(
        model="whisper-1",
        file=AUDIO / "meeting.mp3",
        response_format="verbose_json",
        timestamp_granularities=["word"],
    )
    assert bare(heard.text) == MEETING
    assert heard.words is not None
    assert [word.start for word in heard.words] == sorted(word.start for word in heard.words)
    assert heard.words[-1].end < heard.duration
