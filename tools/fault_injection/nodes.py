"""Servers as processes of their own, which are killed and drained, and started again on the same port."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Final

import trio

COMMAND: Final = (sys.executable, "-c", "from auricle.server.cli.main import main; main()", "serve")
TOOLS: Final = Path(__file__).parents[1]
DIST_INFO: Final = "fault_injection-0.dist-info"
METADATA: Final = "Metadata-Version: 2.1\nName: fault-injection\nVersion: 0\n"
ENTRY_POINTS: Final = "[auricle.engines]\nlistening = fault_injection.listening.engine:create_engine\n"


class Node:
    """One server."""

    def __init__(self, arguments: Sequence[str], environment: dict[str, str], log: IO[bytes] | None = None) -> None:
        self.port = 0
        self.kills = 0
        self.drained_s: list[float] = []
        """How long each drain took, as far as it was not cut short by a kill."""
        self._drained_at: float | None = None
        self._log = log
        """What it says on standard error; None: it is said on ours."""
        self._arguments = arguments
        self._environment = environment
        self._process: trio.Process | None = None

    @property
    def pid(self) -> int | None:
        """Of its process; None before the first."""
        return None if self._process is None else self._process.pid

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the server, and start it again whenever it ends; started once it listens for the first time."""
        while True:
            await self.run_once(task_status=task_status)
            task_status = trio.TASK_STATUS_IGNORED

    async def run_once(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the server until it ends; started once it listens."""
        command = [*COMMAND, "--port", str(self.port), *self._arguments]
        process = await trio.lowlevel.open_process(
            command, stdout=subprocess.PIPE, stderr=self._log, env=self._environment
        )
        self._process, self._drained_at = process, None
        try:
            await self._read_port(process)
            task_status.started()
            await process.wait()
            if self._drained_at is not None and process.returncode == 0:
                self.drained_s.append(time.monotonic() - self._drained_at)
        finally:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()

    async def _read_port(self, process: trio.Process) -> None:
        assert process.stdout is not None
        said = b""
        while b"\n" not in said:
            more = await process.stdout.receive_some(4096)
            if not more:
                return  # it was told to stop before it listened
            said += more
        url = next(word for word in said.decode().split() if word.startswith("ws://"))
        self.port = int(url.split(":")[2].split("/")[0])

    def kill(self) -> None:
        """Kill the process, whatever it does."""
        if self._process is not None and self._process.poll() is None:
            self.kills += 1
            self._process.kill()

    def drain(self) -> None:
        """Tell the server to stop. Not twice: the second time it would stop at once."""
        if self._process is not None and self._drained_at is None:
            self._drained_at = time.monotonic()
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)


class Nodes:
    """Some servers that stand for one, as behind a load balancer."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = nodes

    async def connect(self, preferred: int) -> tuple[int, trio.SocketStream] | None:
        """Connect to a server, the preferred one first; return its number and the connection, or None."""
        for number in range(preferred, preferred + len(self.nodes)):
            number %= len(self.nodes)
            try:
                return number, await trio.open_tcp_stream("127.0.0.1", self.nodes[number].port)
            except OSError:
                continue
        return None


@asynccontextmanager
async def running_nodes(count: int, *arguments: str) -> AsyncIterator[Nodes]:
    """Run so many servers with the listening engine for the length of the block; each is started again when it ends."""
    with TemporaryDirectory() as folder:
        nodes = listening_nodes(count, Path(folder), *arguments)
        async with trio.open_nursery() as nursery:
            async with trio.open_nursery() as starting:
                for node in nodes:
                    starting.start_soon(nursery.start, node.run)
            yield Nodes(nodes)
            nursery.cancel_scope.cancel()


def listening_nodes(count: int, folder: Path, *arguments: str) -> list[Node]:
    """Return so many servers with the listening engine, whose entry point is written into an empty folder."""
    environment = with_listening_engine(folder)
    return [Node(("--engine", "listening", *arguments), environment) for _ in range(count)]


def with_listening_engine(folder: Path) -> dict[str, str]:
    """Install the entry point of the listening engine in a folder; return the environment that finds it there."""
    (folder / DIST_INFO).mkdir()
    (folder / DIST_INFO / "METADATA").write_text(METADATA)
    (folder / DIST_INFO / "entry_points.txt").write_text(ENTRY_POINTS)
    paths = [str(folder), str(TOOLS), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
