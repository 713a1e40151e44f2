"""The page's session over real sockets, where connections are cut and servers killed: nothing is lost or doubled."""

from pathlib import Path
from random import Random

import pytest
import trio

from server.cutting_proxy import CuttingProxy, plan, serving
from server.node_runs import Finished, conduct, run_across_a_kill, run_client
from server.processes import server_process

CLIENT = Path(__file__).parent / "stream_file.mjs"
RATE = 16_000
SECONDS = 20
COMPLETE = "Every sample is accounted for."


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Twenty seconds for an engine that does not listen."""
    path = tmp_path / "recording.s16le"
    path.write_bytes(bytes(2 * RATE * SECONDS))
    return path


async def stream(recording: Path, port: int) -> Finished:
    return await run_client(CLIENT, recording, port)


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
    finished = conduct(lambda: run_across_a_kill(CLIENT, recording))
    assert finished.returncode == 0, finished.stdout
    assert b"restarted" in finished.stderr
    assert finished.stdout.decode().splitlines()[-1] == COMPLETE
