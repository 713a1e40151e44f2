"""Spans of sessions and decodes, in the client's trace; nothing of what was said in any of them; nothing without."""

import json
import subprocess
import sys

import pytest
import trio
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from auricle.core import Limits, Start
from auricle.core.parts import Bias, Product
from auricle.engines.scripted.engine import ScriptedEngine, ScriptedWindowEngine
from auricle.server.app import ServerConfig, running_server
from auricle.server.telemetry import exporting
from auricle.server.telemetry.loading import is_wanted
from auricle.transports.errors import ConnectFailed
from auricle.transports.trio import connect
from server.metrics.scrapes import PATIENCE_S, http_url, read

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
HEADER = ("traceparent", f"00-{TRACE}-{PARENT}-01")
CANARY = "canary7f3a"
SECOND = bytes(32_000)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Have the server export into memory."""
    exporter = InMemorySpanExporter()

    def provider() -> TracerProvider:
        made = TracerProvider()
        made.add_span_processor(SimpleSpanProcessor(exporter))
        return made

    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    monkeypatch.setattr(exporting, "exporting_provider", provider)
    return exporter


async def hear(url: str, config: Start) -> None:
    headers = (HEADER, ("baggage", f"user={CANARY}"))
    async with connect(url, config, api_key=CANARY, headers=headers, limits=Limits(max_reconnects=0)) as client:
        for _ in range(4):
            await client.send_audio(SECOND)
        await client.end_input()
        _ = [event async for event in client]


def told(config: Start) -> Start:
    client = Product(name=CANARY, version=CANARY, reference=CANARY, tags=(CANARY,))
    return Start(model=config.model, client=client, bias=Bias(terms=(CANARY,), prompt=CANARY))


def named(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.name == name]


@pytest.mark.parametrize("engine", [ScriptedEngine, ScriptedWindowEngine])
def test_a_session_and_its_decodes_are_in_the_trace_of_the_client(spans, engine):
    async def scenario():
        with trio.fail_after(PATIENCE_S):
            async with running_server(ServerConfig(port=0), engine()) as server:
                await server.engine_ready()
                await hear(server.url, told(Start()))
                with pytest.raises(ConnectFailed):
                    await hear(server.url, told(Start(model=CANARY)))
                while server.sessions:  # noqa: ASYNC110
                    await trio.sleep(0.01)

    trio.run(scenario)
    session, refused = named(spans, "auricle.session")
    assert format(session.context.trace_id, "032x") == TRACE
    assert session.parent is not None
    assert format(session.parent.span_id, "016x") == PARENT
    assert session.attributes is not None
    assert session.attributes["auricle.reason"] == "completed"
    assert session.attributes["auricle.received_s"] == 4
    assert session.attributes["auricle.model"] == "counting"
    assert refused.attributes is not None
    assert refused.attributes["auricle.error"] == "unsupported_model"
    assert refused.status.status_code is StatusCode.ERROR
    decodes = named(spans, "auricle.decode")
    assert decodes
    for decode in decodes:
        assert decode.parent is not None
        assert decode.parent.span_id == session.context.span_id
        assert decode.context.trace_id == session.context.trace_id
        assert decode.start_time <= decode.end_time
        assert decode.attributes is not None
        assert decode.attributes["auricle.audio_s"] > 0
    everything = "".join(span.to_json() for span in spans.get_finished_spans())
    assert CANARY not in everything
    assert "two" not in json.loads(session.to_json())["attributes"].values()
    assert "one two" not in everything, "what was said stays in the session"


def test_a_session_without_a_trace_begins_one_of_its_own(spans):
    async def scenario():
        with trio.fail_after(PATIENCE_S):
            async with running_server(ServerConfig(port=0), ScriptedEngine()) as server:
                await server.engine_ready()
                async with connect(server.url) as client:
                    await client.end_input()
                    _ = [event async for event in client]
                await hear(server.url, Start())
                async with connect(server.url) as client:
                    await client.end_input()
                    _ = [event async for event in client]

    trio.run(scenario)
    before, within, behind = named(spans, "auricle.session")
    assert before.parent is behind.parent is None
    assert within.parent is not None
    traces = {span.context.trace_id for span in (before, within, behind)}
    assert len(traces) == 3, "a trace that one client has brought is nobody else's"


PROGRAM = """
import sys, trio
from auricle.engines.scripted.engine import ScriptedEngine
from auricle.server.app import ServerConfig, running_server
async def main():
    async with running_server(ServerConfig(port=0), ScriptedEngine()) as server:
        await server.engine_ready()
trio.run(main)
print(sorted(name for name in sys.modules if name.partition('.')[0] == 'opentelemetry'))
"""


def test_nothing_is_imported_where_no_traces_are_wanted():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "ear"}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "true"}, False),
    ],
)
def test_the_standard_variables_decide(environment, expected):
    assert is_wanted(environment) is expected


def test_the_exporter_is_the_one_that_is_named(monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "ear")
    provider = exporting.exporting_provider()
    assert provider.resource.attributes["service.name"] == "ear"
    exporting.flush(provider)
    monkeypatch.delenv("OTEL_SERVICE_NAME")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    assert exporting.exporting_provider().resource.attributes["service.name"] == "auricle"
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "nowhere")
    with pytest.raises(
        exporting.UnknownExporter, match="asks for 'nowhere', which is not installed; there are console"
    ):
        exporting.exporting_provider()


def test_an_exporter_that_is_missing_costs_the_traces_and_not_the_server(monkeypatch, caplog):
    async def scenario():
        with trio.fail_after(PATIENCE_S):
            async with running_server(ServerConfig(port=0), ScriptedEngine()) as server:
                await server.engine_ready()
                text, _ = await trio.to_thread.run_sync(read, http_url(server.url, "/readyz"))
                assert "ready" in text

    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "nowhere")
    trio.run(scenario)
    assert "There are no traces." in caplog.text
