"""``/metrics`` of a server that works: what it tells agrees with what its sessions did, and no client makes it grow."""

import json
from dataclasses import replace

import pytest
import trio
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics_families
from prometheus_client.parser import text_string_to_metric_families
from trio_websocket import open_websocket_url

from auricle.core import Final, Limits, SessionClosed, Start
from auricle.core.parts import Endpointing, Features, Product
from auricle.engines.protocol import EngineError
from auricle.engines.scripted.engine import ScriptedEngine, ScriptedWindowEngine
from auricle.engines.scripted.script import COUNTING
from auricle.server.app import ServerConfig, running_server
from auricle.server.metrics.catalogue import LABELS, METRICS, PROCESS, Kind
from auricle.server.metrics.labels import MOST_MODELS, OTHER, ModelLabels
from auricle.transports.errors import ConnectFailed
from auricle.transports.trio import connect
from server.metrics.scrapes import PATIENCE_S, http_url, read, scraped, value

SECONDS = 6
SECOND = bytes(32_000)


async def hear(url: str, config: Start, seconds: int = SECONDS) -> SessionClosed:
    async with connect(url, config, limits=Limits(max_reconnects=0)) as client:
        for _ in range(seconds):
            await client.send_audio(SECOND)
        await client.end_input()
        return [event async for event in client][-1]


class Doubtful(ScriptedWindowEngine):
    """Decodes finals twice and believes none of them; fails on every third window of a partial."""

    failed = 0

    def decode(self, windows):
        if not windows[0].final and not windows[0].config.tried:
            self.failed += 1
            if self.failed % 3 == 0:
                raise EngineError("It fails now and then.")
        return [replace(each, tries=2, believed=False) for each in super().decode(windows)]


def test_a_scrape_agrees_with_what_the_sessions_did():
    async def scenario():
        with trio.fail_after(PATIENCE_S):
            async with running_server(ServerConfig(port=0, max_sessions=1), Doubtful()) as server:
                await server.engine_ready()
                before = await scraped(server.url)
                async with connect(server.url, Start()) as client:
                    for _ in range(SECONDS):
                        await client.send_audio(SECOND)
                    async for event in client:
                        if isinstance(event, Final):
                            break
                    during = await scraped(server.url)
                    with pytest.raises(ConnectFailed):
                        await hear(server.url, Start())
                    await client.end_input()
                    closed = [event async for event in client][-1]
                while server.sessions:  # noqa: ASYNC110
                    await trio.sleep(0.01)
                after = await scraped(server.url)
        assert value(before, "auricle_ready") == 1
        assert value(before, "auricle_build_info") == 1
        assert value(before, "auricle_engine_info", model="counting", engine="scripted") == 1
        assert value(before, "auricle_sessions") == 0
        assert value(during, "auricle_sessions", state="streaming", dialect="auricle.v1") == 1
        assert value(during, "auricle_engine_sessions", model="counting") == 1
        assert value(during, "auricle_audio_received_seconds_total") == SECONDS
        assert closed.complete is True
        assert value(after, "auricle_sessions") == 0
        assert value(after, "auricle_audio_received_seconds_total", dialect="auricle.v1") == SECONDS
        assert value(after, "auricle_audio_processed_seconds_total", dialect="auricle.v1") == SECONDS
        assert value(after, "auricle_audio_committed_seconds_total", dialect="auricle.v1") == SECONDS
        assert value(after, "auricle_audio_lost_seconds_total") == 0
        assert value(after, "auricle_sessions_ended_total", reason="completed", dialect="auricle.v1") == 1
        assert value(after, "auricle_refusals_total", reason="sessions") == 1
        assert value(after, "auricle_sessions_ended_total", reason="error") == 1
        assert value(after, "auricle_session_errors_total", code="capacity", fatal="true") == 1
        finals = value(after, "auricle_finals_total", model="counting")
        assert finals >= 2
        assert value(after, "auricle_final_delay_seconds_count", model="counting") == finals
        assert value(after, "auricle_disbelieved_finals_total") >= finals, "one may be empty"
        assert value(after, "auricle_second_decodes_total") >= finals
        assert value(after, "auricle_decode_seconds_count", kind="final") >= finals
        assert value(after, "auricle_decode_queue_seconds_count", urgency="final") >= 1
        assert value(after, "auricle_decode_audio_seconds_total") > 0
        assert value(after, "auricle_session_seconds_count") == 2
        assert value(after, "process_resident_memory_bytes") > 1e7
        everything = {sample.name for sample in after}
        assert not [name for name in everything if name.endswith("_created")]

    trio.run(scenario)


def test_audio_on_which_the_engine_fails_or_that_nobody_waits_for_is_lost():
    async def scenario():
        failing = replace(COUNTING, failing_utterances=frozenset({0}))
        with trio.fail_after(PATIENCE_S):
            async with running_server(ServerConfig(port=0), ScriptedEngine(failing)) as server:
                await server.engine_ready()
                closed = await hear(server.url, Start())
                while server.sessions:  # noqa: ASYNC110
                    await trio.sleep(0.01)
                samples = await scraped(server.url)
        lost_s = closed.accounting.dropped / 16_000
        assert lost_s > 0
        assert value(samples, "auricle_audio_lost_seconds_total") == pytest.approx(lost_s)
        total = value(samples, "auricle_audio_lost_seconds_total") + value(
            samples, "auricle_audio_committed_seconds_total"
        )
        assert total == pytest.approx(SECONDS)
        assert value(samples, "auricle_session_errors_total", code="engine_failed", fatal="false") == 1
        assert value(samples, "auricle_decode_seconds_count", kind="turn") > 0

    trio.run(scenario)


def test_audio_of_a_session_that_is_handed_on_is_not_lost():
    async def scenario():
        with trio.fail_after(PATIENCE_S):
            async with running_server(ServerConfig(port=0), ScriptedEngine()) as server:
                await server.engine_ready()
                async with connect(server.url, limits=Limits(reconnect_timeout_s=0.5)) as client:
                    await client.send_audio(SECOND)
                    while not any(each.snapshot.received for each in server._metrics.open):  # noqa: ASYNC110
                        await trio.sleep(0.01)
                    server.drain()
                    await server.stopped()
                return server._metrics.exposition("")[0].decode()

    text = trio.run(scenario)
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    assert value(samples, "auricle_audio_handed_on_seconds_total") == 1.0
    assert value(samples, "auricle_audio_lost_seconds_total") == 0.0
    assert value(samples, "auricle_sessions_ended_total", reason="shutdown") == 1


def test_a_recording_that_is_heard_at_once_has_no_delay():
    async def scenario():
        with trio.fail_after(PATIENCE_S):
            async with running_server(ServerConfig(port=0), ScriptedEngine()) as server:
                await server.engine_ready()
                await hear(server.url, Start(endpointing=Endpointing(offline=True)))
                samples = await scraped(server.url)
        assert value(samples, "auricle_finals_total") >= 1
        assert value(samples, "auricle_final_delay_seconds_count") == 0

    trio.run(scenario)


STRANGE = [f"x{number}\n# TYPE evil counter\nevil 1" for number in range(12)]


def test_no_client_makes_the_metrics_grow():
    """Strange models, languages, tags, references, dialects and paths: every label stays one of its set."""

    async def strange(url: str, name: str) -> None:
        client = Product(name=name, version=name, reference=name, tags=(name[:60],))
        for config in (
            Start(client=client, features=Features(turns=True)),
            Start(model=name, client=client),
            Start(language=name[:30], client=client),
            Start(timeline_origin=16_000, client=client),
        ):
            try:
                await hear(url, config, seconds=1)
            except ConnectFailed:
                continue

    async def listen(server, path: str) -> None:
        base = server.url.replace("/ws/transcribe", "")
        try:
            async with open_websocket_url(base + path) as socket:
                await socket.send_message(json.dumps({"type": "nonsense", "code": path, "audio": path}))
                await socket.get_message()
        except Exception:
            return

    async def scenario():
        with trio.fail_after(PATIENCE_S):
            async with running_server(ServerConfig(port=0), ScriptedEngine()) as server:
                await server.engine_ready()
                await strange(server.url, "ordinary")
                few = {(sample.name, *sorted(sample.labels.items())) for sample in await scraped(server.url)}
                for name in STRANGE:
                    await strange(server.url, name)
                for path in ("/v1/listen?model=a%0Ab&tag=x", "/v1/listen?encoding=what", "/nowhere", "/v1/realtime"):
                    await listen(server, path)
                while server.sessions:  # noqa: ASYNC110
                    await trio.sleep(0.01)
                samples = await scraped(server.url)
        more = {(sample.name, *sorted(sample.labels.items())) for sample in samples}
        assert value(samples, "auricle_restarts_total") == len(STRANGE) + 1
        assert value(samples, "auricle_refusals_total", reason="unknown_model") == len(STRANGE) + 1
        assert value(samples, "auricle_refusals_total", reason="not_found") == 1
        assert not [sample for sample in samples if "evil" in sample.name or "x1" in str(sample.labels)]
        grown = {dict(key[1:]).get("dialect") for key in more - few}
        assert grown <= {"deepgram", "openai", None}, "what grew is other dialects, and not a client's words"
        for sample in samples:
            for label, given in sample.labels.items():
                known = LABELS.get(label)
                assert label == "le" or known is None or given in known, (sample.name, label, given)

    trio.run(scenario)


def test_models_beyond_the_most_share_a_label():
    label = ModelLabels()
    names = [f"m{number}" for number in range(MOST_MODELS + 5)]
    assert [label(name) for name in names] == names[:MOST_MODELS] + [OTHER] * 5
    assert label("m0") == "m0"


def test_open_metrics_for_those_who_ask():
    async def scenario():
        with trio.fail_after(PATIENCE_S):
            async with running_server(ServerConfig(port=0), ScriptedEngine()) as server:
                await server.engine_ready()
                url = http_url(server.url, "/metrics")
                headers = {"Accept": "application/openmetrics-text; version=1.0.0"}
                text, media_type = await trio.to_thread.run_sync(read, url, headers)
        assert media_type.startswith("application/openmetrics-text")
        assert {family.name for family in open_metrics_families(text)} >= {"auricle_sessions", "auricle_build_info"}

    trio.run(scenario)


def test_the_catalogue_is_sound():
    names = [metric.name for metric in (*METRICS, *PROCESS)]
    assert len(names) == len(set(names))
    for metric in METRICS:
        assert (metric.kind is Kind.COUNTER) == metric.name.endswith("_total"), metric.name
        assert bool(metric.buckets) == (metric.kind is Kind.HISTOGRAM), metric.name
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert metric.help.endswith(".")
        assert set(metric.labels) <= LABELS.keys()
