"""``auricle cluster``: of real nodes, and of a real proxy that names them."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from fault_injection.listening.engine import ListeningEngine, ListeningWindowEngine
from typer.testing import CliRunner

from auricle.server.cli.cluster import Source, source_of
from auricle.server.cli.main import app
from auricle.server.cli.option_errors import OptionError
from auricle.transports.trio import connect
from server.proxies import free_port, needs_haproxy
from server.test_nodes_behind_haproxy import cluster, run, two_nodes


async def auricle(*arguments: str) -> Any:
    return await trio.to_thread.run_sync(lambda: CliRunner().invoke(app, ["cluster", *arguments]))


@needs_haproxy
def test_a_proxy_leads_to_all_of_its_nodes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with cluster(tmp_path, two_nodes()) as nodes, connect(nodes.proxy.url):
            await nodes.proxy.until(n1="UP", n2="UP")
            shown = await auricle(nodes.proxy.statistics)
            assert shown.exit_code == 0, shown.output
            assert "n1" in shown.stdout
            assert "n2" in shown.stdout
            assert shown.stdout.count("UP") == 2
            told = json.loads((await auricle(nodes.proxy.statistics, "--json")).stdout)
            assert told["sessions"] == 1
            assert {node["name"]: node["status"] for node in told["nodes"]} == {"n1": "ready", "n2": "ready"}
            assert {server["name"] for server in told["proxy"]} == {"n1", "n2"}

    run(scenario)


@needs_haproxy
def test_what_is_amiss_is_said_and_is_the_exit_status(tmp_path: Path) -> None:
    async def scenario() -> None:
        sources = {"n1": ListeningWindowEngine(), "n2": ListeningEngine()}
        async with cluster(tmp_path, sources) as nodes:
            nodes.servers["n2"].drain()
            gone = f"http://127.0.0.1:{free_port()}"
            shown = await auricle(nodes.servers["n1"].url, gone)
            assert shown.exit_code == 1
            assert f"{gone}/status is unreachable: " in shown.stdout
            assert "0/1" in shown.stdout, "its one lane"

    run(scenario)


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("http://box:8765", Source("http://box:8765/status", False)),
        ("ws://box:8765/ws/transcribe", Source("http://box:8765/status", False)),
        ("https://box/status", Source("https://box/status", False)),
        ("http://box:8404/stats", Source("http://box:8404/stats;csv", True)),
        ("http://box:8404/stats;csv", Source("http://box:8404/stats;csv", True)),
    ],
)
def test_who_is_asked(url: str, source: Source) -> None:
    assert source_of(url) == source


@pytest.mark.parametrize("url", ["box:8765", "box", "ftp://box", "http://"])
def test_what_is_no_url_is_one_sentence(url: str) -> None:
    with pytest.raises(OptionError, match="give http://host:port"):
        source_of(url)


def test_a_proxy_that_does_not_answer_is_one_sentence() -> None:
    shown = CliRunner().invoke(app, ["cluster", f"http://127.0.0.1:{free_port()}/stats"])
    assert shown.exit_code == 2
    assert "does not answer" in shown.stderr
