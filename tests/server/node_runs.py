"""What tests of clients under Node.js share: the command that runs them, and servers that are cut and killed."""

import shutil
import subprocess
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import trio

from server.cutting_proxy import CuttingProxy, serving
from server.processes import server_process

PATIENCE_S = 60.0
Finished = subprocess.CompletedProcess[bytes]


def node() -> list[str]:
    """The command that runs Node with WebSocket; skips where there is none."""
    path = shutil.which("node")
    if path is None:
        pytest.skip("Node.js is not installed")
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    major = int(version.lstrip("v").split(".")[0])
    if major < 20:
        pytest.skip(f"Node.js {version.strip()} has no WebSocket, not even an experimental one")
    return [path] if major >= 22 else [path, "--no-warnings", "--experimental-websocket"]


async def run_client(client: Path, recording: Path, port: int) -> Finished:
    """Run a client to its end, whatever that is."""
    command = [*node(), str(client), str(recording), f"ws://127.0.0.1:{port}/ws/transcribe"]
    return await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)


def conduct(scenario: Callable[[], Awaitable[Any]]) -> Any:
    """Run a scenario, and give it `PATIENCE_S`."""

    async def patient() -> Any:
        with trio.fail_after(PATIENCE_S):
            return await scenario()

    return trio.run(patient)


class Stalling(CuttingProxy):
    """Stands still once the server has said ``mark``, until ``go_on``; what it holds then is still delivered."""

    def __init__(self, port: int, mark: bytes) -> None:
        super().__init__(port)
        self.stalled, self.go_on = trio.Event(), trio.Event()
        self._mark = mark

    async def delivering(self, data: bytes) -> None:
        if self._mark in data:
            self.stalled.set()
            await self.go_on.wait()


async def run_across_a_kill(client: Path, recording: Path) -> Finished:
    """Run a client whose server is killed behind the first final, and comes back on the same port."""
    finished: list[Finished] = []
    async with AsyncExitStack() as servers, trio.open_nursery() as nursery:
        process, port = await servers.enter_async_context(server_process())
        # Everything up to the first final; the connection then stands still, and so does the session.
        proxy = Stalling(port, b'"type":"final"')
        (proxied,) = await nursery.start(lambda *, task_status: serving([proxy])(task_status=task_status))

        async def run() -> None:
            finished.append(await run_client(client, recording, proxied))
            nursery.cancel_scope.cancel()

        nursery.start_soon(run)
        await proxy.stalled.wait()
        process.kill()
        await process.wait()
        await servers.enter_async_context(server_process(port=port))
        proxy.go_on.set()
        await trio.sleep_forever()
    return finished[0]
