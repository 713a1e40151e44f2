"""What was said, keys and tokens: a session in every dialect, and none of it in any log, status page, span or trace."""

import asyncio
import io
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("deepgram", reason="deepgram-sdk is not installed")
pytest.importorskip("openai", reason="openai is not installed")
pytest.importorskip("opentelemetry.sdk", reason="opentelemetry-sdk is not installed")
pytest.importorskip("websockets", reason="websockets is not installed")
pytest.importorskip("wyoming", reason="wyoming is not installed")

import trio
import websockets
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient

from auricle.core import Start
from auricle.core.parts import Bias, Product
from auricle.engines.scripted.script import Script, ScriptedWord
from auricle.server.keys.api_key import Keyring
from auricle.server.keys.scopes import Scope
from auricle.server.logs.setup import configure_logging
from auricle.server.telemetry import exporting
from server.dialects.test_twilio import media, start
from server.keys import keyed_server as client
from server.keys.keyed_server import SECOND, bearer, hold, post, ws
from server.keys.making import made_key
from server.uploads.upload_server import FAR_S, UploadServer, upload_server

CANARY = "marmalade"
PROMPTED = "tangerine"
SAID = Script(words=(ScriptedWord(text=CANARY, start=3_200, end=9_600),), period=32_000)
FORMAT = {"rate": 16_000, "width": 2, "channels": 1}


@pytest.fixture
def log() -> io.StringIO:
    """All that is logged, at the most talkative level."""
    written = io.StringIO()
    configure_logging("debug", "json", written)
    return written


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """All that is exported to OpenTelemetry."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    monkeypatch.setattr(exporting, "exporting_provider", lambda: provider)
    return exporter


async def call(server: UploadServer, key: str) -> None:
    async with asyncio.timeout(FAR_S), websockets.connect(ws(server, "/v1/twilio")) as socket:
        await socket.send(json.dumps(start("canary", key=key, terms=PROMPTED)))
        for number in range(60):
            await socket.send(json.dumps(media(number)))
        await socket.send(json.dumps({"event": "stop"}))
        await socket.wait_closed()


async def command(server: UploadServer) -> None:
    port = server.server.wyoming_port
    assert port is not None
    async with asyncio.timeout(FAR_S), AsyncTcpClient("127.0.0.1", port) as wyoming:
        await wyoming.write_event(Transcribe(context={"prompt": PROMPTED}).event())
        await wyoming.write_event(AudioStart(**FORMAT).event())
        await wyoming.write_event(AudioChunk(audio=2 * SECOND, **FORMAT).event())
        await wyoming.write_event(AudioStop().event())
        while (event := await wyoming.read_event()) is not None and event.type != "transcript":
            pass


async def old(server: UploadServer, key: str) -> None:
    async with asyncio.timeout(FAR_S), websockets.connect(ws(server, f"/ws/transcribe?key={key}")) as socket:
        await socket.send(json.dumps({"language": "en", "sample_rate": 16_000}))
        await socket.send(2 * SECOND)
        await socket.send(json.dumps({"type": "end_of_stream"}))
        with suppress(websockets.ConnectionClosed):
            while True:
                await socket.recv()


def everybody(server: UploadServer, key: str, token: str) -> None:
    """A session in every dialect, and the refusals that a wrong key gets."""
    who = Product(name="canary", reference="call-7")
    config = Start(bias=Bias(prompt=PROMPTED, terms=(PROMPTED,)), client=who)
    trio.run(hold, ws(server), key, 2, config)
    asyncio.run(old(server, key))
    asyncio.run(call(server, key))
    asyncio.run(command(server))
    clients = (
        client.raw("/ws/transcribe", ["auricle.v1", "auricle.auth.{encoded}"]),
        client.deepgram_live,
        client.raw("/v1/listen?keyterm=tangerine&key={key}", []),
        client.raw("/v1/listen", ["token", "{key}"]),
        client.deepgram_file,
        client.openai_live,
        client.raw("/v1/realtime", ["realtime", "openai-insecure-api-key.{key}"]),
        client.openai_file,
        client.our_upload,
    )
    for attempt in clients:
        for presented in (key, token):
            assert attempt(server, presented)[0] == 200
        assert attempt(server, f"{key}wrong")[0] == 401
    failing = f"http://127.0.0.1:{server.port}/v1/transcribe?key={key}&prompt={PROMPTED}"
    assert post(failing, {}, b"no recording at all")[0] == 400


def test_no_word_no_key_and_no_token_is_in_any_log_status_span_or_trace(
    log: io.StringIO, spans: InMemorySpanExporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AURICLE_TRACE", str(tmp_path))
    alice, key = made_key("alice", scopes=frozenset(Scope))
    with upload_server(SAID, keys=Keyring((alice,)), wyoming_port=0) as server:
        token = client.our_token(server, key)[1]["token"]
        everybody(server, key, token)
        told: list[Any] = [
            post(f"http://127.0.0.1:{server.port}{path}", bearer(key), None, "GET")[1]
            for path in ("/status", "/healthz", "/readyz", "/metrics")
        ]
    records = [json.loads(line) for line in log.getvalue().splitlines()]
    ended = [record for record in records if record["message"] == "session ended"]
    assert {record["dialect"] for record in ended} >= {"auricle.v1", "legacy", "deepgram", "twilio", "wyoming"}
    assert any(record.get("key_name") == "alice" for record in ended)
    refused = [record for record in records if record["message"] == "request refused"]
    assert len(refused) >= 9
    assert not any("key_name" in record for record in refused), "a wrong key is nobody's"
    exported = [span.to_json() for span in spans.get_finished_spans()]
    dialects = {json.loads(span)["attributes"].get("auricle.dialect") for span in exported}
    assert dialects >= {"auricle.v1", "legacy", "deepgram", "openai", "twilio", "wyoming", "http"}
    secrets = [key, key.partition(".")[2], token, token.partition(".")[2]]
    for secret in (*secrets, CANARY, PROMPTED):
        assert secret not in log.getvalue()
        assert secret not in json.dumps(told)
        assert secret not in "".join(exported)
    traces = "".join(path.read_text(encoding="utf-8") for path in tmp_path.iterdir())
    assert CANARY in traces, "whoever asks for traces asks for the words"
    for secret in secrets:
        assert secret not in traces
