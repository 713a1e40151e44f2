"""The proxies of ``deploy/``, run with the very files that are there: only addresses are those of a test.

A proxy takes its connections from a socket that the test holds, so that one that is restarted loses none that waits.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

DEPLOY = Path(__file__).parents[2] / "deploy"
PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"
HAPROXY = shutil.which("haproxy", path=PLACES)
NGINX = shutil.which("nginx", path=PLACES)
needs_haproxy = pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed: apt-get install haproxy")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: apt-get install nginx-light")

Nodes = Mapping[str, int]
"""The ports of nodes by their names."""


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """Return a configuration with each pattern replaced. Fails where one is not there: the file has changed."""
    for pattern, by in changes.items():
        text, count = re.subn(pattern, lambda _, by=by: by, text, flags=re.MULTILINE)
        assert count, f"{pattern!r} is not in the configuration"
    return text


class Proxy:
    """A process before the nodes, which can be killed and started again on the same port."""

    def __init__(self, command: Sequence[str], port: int, descriptors: Sequence[int] = ()) -> None:
        self.port = port
        self._command = command
        self._descriptors = descriptors
        self._process: trio.Process | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._process = await trio.lowlevel.open_process(
            self._command, pass_fds=self._descriptors, start_new_session=True, stderr=subprocess.DEVNULL
        )
        await listening(self.port)

    async def stop(self) -> None:
        """Kill it and its workers: all connections are reset."""
        if self._process is not None:
            if self._process.poll() is None:
                kill_group(self._process)
            with trio.CancelScope(shield=True):
                await self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its master process."""
        assert self._process is not None
        self._process.send_signal(number)


class HAProxy(Proxy):
    """One that runs as its configuration says to run it: with a master process, which can be told to reload."""

    def __init__(self, file: Path, stats: Path, listener: socket.socket, statistics: str) -> None:
        assert HAPROXY is not None
        self.statistics = statistics
        """The URL of its statistics."""
        self._stats = stats
        super().__init__([HAPROXY, "-W", "-q", "-f", str(file)], listener.getsockname()[1], [listener.fileno()])

    def reload(self) -> None:
        """Tell it to begin anew with another worker."""
        self.signal(signal.SIGUSR2)

    async def states(self) -> dict[str, str]:
        """Return what it thinks of each node: UP, DOWN, or one of these with a count; nothing while it starts."""
        try:
            stream = await trio.open_unix_socket(self._stats)
        except OSError:
            return {}
        async with stream:
            await stream.send_all(b"show stat\n")
            said = b"".join([piece async for piece in stream]).decode()
        rows = [row.split(",") for row in said.splitlines()]
        return {row[1]: row[17] for row in rows if len(row) > 17 and row[0] == "nodes" and row[1] != "BACKEND"}

    async def until(self, **wanted: str) -> None:
        """Wait until it thinks so of nodes."""
        while True:
            states = await self.states()
            if all(states.get(name) == state for name, state in wanted.items()):
                return
            await trio.sleep(0.05)


def kill_group(process: trio.Process) -> None:
    """Kill a process that began a session of its own, with all that it has started."""
    assert os.getpgid(process.pid) == process.pid != os.getpgrp(), "its own group, and not ours"
    os.killpg(process.pid, signal.SIGKILL)


@asynccontextmanager
async def haproxy(nodes: Nodes, folder: Path, changes: Mapping[str, str] | None = None) -> AsyncIterator[HAProxy]:
    """Run haproxy before the nodes, with ``deploy/haproxy/haproxy.cfg`` and ``changes`` by pattern."""
    file, stats = folder / "haproxy.cfg", folder / "stats"
    servers = "".join(f"    server {name} 127.0.0.1:{port}\n" for name, port in nodes.items())
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        listener.set_inheritable(True)
        statistics_port = free_port()
        ours = {
            r"^    bind :8080$": f"    bind fd@{listener.fileno()}",
            r"^    server n1 .*\n    server n2 .*\n": servers,
            r"^    bind 127\.0\.0\.1:8404$": f"    bind 127.0.0.1:{statistics_port}",
            r"^global$": f"global\n    stats socket {stats} mode 600 level admin",
        }
        configuration = (DEPLOY / "haproxy" / "haproxy.cfg").read_text(encoding="utf-8")
        file.write_text(replaced(configuration, ours | dict(changes or {})), encoding="utf-8")
        proxy = HAProxy(file, stats, listener, f"http://127.0.0.1:{statistics_port}/stats")
        async with running(proxy):
            yield proxy


@asynccontextmanager
async def nginx(nodes: Nodes, folder: Path) -> AsyncIterator[Proxy]:
    """Run nginx before two nodes, n1 and n2, with ``deploy/nginx/nginx.conf``."""
    assert NGINX is not None
    port = free_port()
    paths = "".join(f"    {kind}_temp_path {folder / kind};\n" for kind in TEMPORARY)
    changes = {
        r"10\.0\.0\.11:8765": f"127.0.0.1:{nodes['n1']}",
        r"10\.0\.0\.12:8765": f"127.0.0.1:{nodes['n2']}",
        r"listen 8080;": f"listen 127.0.0.1:{port};",
        r"^worker_processes auto;": f"worker_processes 2;\ndaemon off;\npid {folder / 'pid'};",
        r"^http \{\n": f"http {{\n{paths}",
    }
    file = folder / "nginx.conf"
    file.write_text(replaced((DEPLOY / "nginx" / "nginx.conf").read_text(encoding="utf-8"), changes), encoding="utf-8")
    proxy = Proxy([NGINX, "-p", str(folder), "-c", str(file), "-e", str(folder / "errors")], port)
    async with running(proxy):
        yield proxy


TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@asynccontextmanager
async def running(proxy: Proxy) -> AsyncIterator[None]:
    """Run a proxy for the length of the block."""
    try:
        await proxy.start()
        yield
    finally:
        await proxy.stop()


def free_port() -> int:
    """Return a port that nobody has just now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


async def listening(port: int) -> None:
    """Wait until somebody takes connections."""
    while True:
        try:
            stream = await trio.open_tcp_stream("127.0.0.1", port)
        except OSError:
            await trio.sleep(0.02)
        else:
            await stream.aclose()
            return
