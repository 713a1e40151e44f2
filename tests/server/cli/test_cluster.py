"""``auricle cluster``: of real nodes, and of a real proxy that names them."""

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from fault_injection.listening.engine import ListeningEngine, ListeningWindowEngine
from typer.testing import CliRunner, Result

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


def shown_of(node: str, server: ThreadingHTTPServer) -> Result:
    """Return what the command shows of a node while ``server`` answers for it."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        return CliRunner().invoke(app, ["cluster", node])
    finally:
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [401, 403])
def test_who_brings_no_key_for_operators_is_told_how(status: int) -> None:
    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(status)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        node = f"http://127.0.0.1:{server.server_address[1]}"
        shown = shown_of(node, server)
    assert shown.exit_code == 1
    why = f"HTTP {status}: it wants a key with the scope operator, by --api-key or AURICLE_API_KEY."
    assert f"{node}/status is unreachable: {why}" in shown.stdout


def test_a_certificate_that_is_not_trusted_is_told_with_what_to_do() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        node = f"https://127.0.0.1:{server.server_address[1]}"
        shown = shown_of(node, server)
    assert shown.exit_code == 1
    assert f"{node}/status is unreachable: its certificate is not trusted (" in shown.stdout
    assert "): let SSL_CERT_FILE name the file to trust." in shown.stdout


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
