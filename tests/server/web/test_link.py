"""The page's session over real sockets, where connections are cut and servers killed: nothing is lost or doubled."""

import subprocess
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio
from examples.test_node_client import Stalling, node

from server.cutting_proxy import CuttingProxy, plan, serving
from server.processes import server_process

CLIENT = Path(__file__).parent / "stream_file.mjs"
RATE = 16_000
SECONDS = 20
PATIENCE_S = 60.0
COMPLETE = "Every sample is accounted for."

Finished = subprocess.CompletedProcess[bytes]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Twenty seconds for an engine that does not listen."""
    path = tmp_path / "recording.s16le"
    path.write_bytes(bytes(2 * RATE * SECONDS))
    return path


async def stream(recording: Path, port: int) -> Finished:
    command = [*node(), str(CLIENT), str(recording), f"ws://127.0.0.1:{port}/ws/transcribe"]
    return await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)


def conduct(scenario: Callable[[], Awaitable[Any]]) -> Any:
    async def patient() -> Any:
        with trio.fail_after(PATIENCE_S):
            return await scenario()

    return trio.run(patient)


@pytest.mark.parametrize("seed", range(2))
def test_a_connection_that_is_cut_makes_no_difference(recording: Path, seed: int) -> None:
    cuts = plan(Random(seed), first_up=RATE, audio_bytes=2 * RATE * SECONDS)

    async def scenario() -> tuple[Finished, Finished]:
        async with server_process() as (_, port), trio.open_nursery() as nursery:
            uncut = await stream(recording, port)
            proxy = CuttingProxy(port, cuts)
            (proxied,) = await nursery.start(lambda *, task_status: serving([proxy])(task_status=task_status))
            finished = await stream(recording, proxied)
            nursery.cancel_scope.cancel()
        assert len(proxy.made) == len(cuts)
        return uncut, finished

    uncut, finished = conduct(scenario)
    assert (finished.returncode, finished.stdout) == (0, uncut.stdout)
    assert finished.stdout.decode().splitlines()[-1] == COMPLETE
    assert b"returned" in finished.stderr


def test_a_server_that_is_killed_and_comes_back_gets_the_rest(recording: Path) -> None:
    async def scenario() -> Finished:
        finished: list[Finished] = []
        async with AsyncExitStack() as servers, trio.open_nursery() as nursery:
            process, port = await servers.enter_async_context(server_process())
            proxy = Stalling(port, b'"type":"final"')
            (proxied,) = await nursery.start(lambda *, task_status: serving([proxy])(task_status=task_status))

            async def run_client() -> None:
                finished.append(await stream(recording, proxied))
                nursery.cancel_scope.cancel()

            nursery.start_soon(run_client)
            await proxy.stalled.wait()
            process.kill()
            await process.wait()
            await servers.enter_async_context(server_process(port=port))
            proxy.go_on.set()
            await trio.sleep_forever()
        return finished[0]

    finished = conduct(scenario)
    assert finished.returncode == 0, finished.stdout
    assert b"restarted" in finished.stderr
    assert finished.stdout.decode().splitlines()[-1] == COMPLETE
