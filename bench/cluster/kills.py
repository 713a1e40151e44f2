"""Live sessions on a gateway whose decodes run on two nodes of a cluster, of which one is killed again and again.

Whatever a node runs is killed with SIGKILL, in the middle of it; another node is started in its place. When all that is
over a third node joins. The sessions talk from the beginning to the end of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import trio

from auricle.engines.loading import Loaded
from auricle.engines.protocol import LoadProgress
from auricle.engines.supervised import WorkerStatus
from auricle.server.app import ServerConfig, SpeechServer, running_server
from cluster.hosted import listening_on
from cluster.simulated_nodes import SimulatedNodes, simulated_nodes
from cluster.talking import UTTERANCE_S, Heard, talk

NODES: Final = 2
PATIENCE_S: Final = 180.0
"""For all that is not waiting for the next kill: Ray's start and end, and workers that begin."""
LOOK_S: Final = 0.05


@dataclass
class Outcome:
    """What came of it."""

    sessions: int
    every_s: float
    """Between two kills."""
    kills: int = 0
    seconds: float = 0.0
    """That the sessions have talked."""
    heard: Heard = field(default_factory=Heard)
    without_worker_s: float = 0.0
    """Seconds in which no worker served, and all calls waited."""
    node_start_s: float = 0.0
    """From the start of the third node to its being part of the cluster."""
    joined_s: float = 0.0
    """From then to the first call that its worker has answered."""
    calls: int = 0
    repeated: int = 0
    lost: int = 0
    """Workers."""


async def survive(sessions: int, *, kills: int, every_s: float) -> Outcome:
    """Hold so many sessions while a node is killed ``kills`` times, each ``every_s``, and let a third one join."""
    outcome = Outcome(sessions, every_s)
    with trio.fail_after(PATIENCE_S + (kills + 1) * every_s):
        cluster = simulated_nodes(NODES)
        nodes = await trio.to_thread.run_sync(cluster.__enter__)
        try:
            await _with_gateway(nodes, outcome, kills)
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(cluster.__exit__, None, None, None)
    return outcome


async def _with_gateway(nodes: SimulatedNodes, outcome: Outcome, kills: int) -> None:
    def load(progress: LoadProgress) -> Loaded:
        return Loaded(engine=listening_on(nodes.address))

    async with running_server(ServerConfig(port=0), load) as server:
        await server.engine_ready()
        await _serving(server, NODES)
        stop, began_s = trio.Event(), trio.current_time()
        async with trio.open_nursery() as watching:
            watching.start_soon(_watch, server, outcome)
            async with trio.open_nursery() as talking:
                for number in range(outcome.sessions):
                    talking.start_soon(_talk, server.url, number, stop, outcome)
                await _kill_and_replace(nodes, outcome, kills)
                await _serving(server, NODES)
                await _third(nodes, server, outcome)
                stop.set()
            watching.cancel_scope.cancel()
        outcome.seconds = trio.current_time() - began_s
        status = server.status().workers
        assert status is not None
        outcome.calls, outcome.repeated, outcome.lost = status.answered, status.repeated, status.lost


async def _kill_and_replace(nodes: SimulatedNodes, outcome: Outcome, kills: int) -> None:
    """Kill a node every so often, whether or not the one that took the place of the last is there already."""
    began_s = trio.current_time()
    for number in range(1, kills + 1):
        await trio.sleep_until(began_s + number * outcome.every_s)
        await trio.to_thread.run_sync(nodes.kill_oldest)
        outcome.kills += 1
        await trio.to_thread.run_sync(nodes.add)


async def _third(nodes: SimulatedNodes, server: SpeechServer, outcome: Outcome) -> None:
    """Add a node while sessions talk, and wait until its worker has answered a call."""
    # By node, not by name: a worker that waits for room already may be the one that begins there.
    before = {worker.node for worker in _workers(server)} | {""}
    began_s = trio.current_time()
    await trio.to_thread.run_sync(nodes.add)
    there_s = trio.current_time()
    await _until(lambda: any(worker.node not in before and worker.calls for worker in _workers(server)))
    outcome.node_start_s, outcome.joined_s = there_s - began_s, trio.current_time() - there_s


async def _talk(url: str, number: int, stop: trio.Event, outcome: Outcome) -> None:
    """Talk, so that the utterances of all sessions end one after the other and not at once."""
    await trio.sleep(UTTERANCE_S * number / outcome.sessions)
    outcome.heard.add(await talk(url, number, stop))


async def _watch(server: SpeechServer, outcome: Outcome) -> None:
    looked_s = trio.current_time()
    while True:
        await trio.sleep(LOOK_S)
        now_s = trio.current_time()
        if not any(worker.state in ("idle", "decoding") for worker in _workers(server)):
            outcome.without_worker_s += now_s - looked_s
        looked_s = now_s


async def _serving(server: SpeechServer, count: int) -> None:
    """Wait until so many workers serve."""
    await _until(lambda: sum(worker.state in ("idle", "decoding") for worker in _workers(server)) >= count)


async def _until(condition: Callable[[], bool]) -> None:
    while True:
        if condition():
            return
        await trio.sleep(LOOK_S)


def _workers(server: SpeechServer) -> Sequence[WorkerStatus]:
    status = server.status().workers
    return () if status is None else status.workers
