"""Live sessions on a gateway whose decodes run on two nodes of a cluster, of which one is killed again and again.

The words are in the audio, so that a word that is missing, doubled or another session's is known for certain.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import trio
from fault_injection.listening.engine import PAUSE_SAMPLES, RATE, spoken, text_of

from auricle.core import Final, SessionClosed
from auricle.core.events import Interrupted
from auricle.engines.loading import Loaded
from auricle.engines.protocol import LoadProgress
from auricle.server.app import ServerConfig, SpeechServer, running_server
from auricle.transports.trio import connect
from cluster.hosted import listening_on
from cluster.simulated_nodes import SimulatedNodes, simulated_nodes

FRAME_S = 0.1
SAMPLE_BYTES = 2
PATIENCE_S = 240.0
LOOK_S = 0.05
PAUSE_S = PAUSE_SAMPLES / RATE
"""Behind each utterance."""


@dataclass
class Outcome:
    """What came of it."""

    sessions: int
    kills: int = 0
    words: int = 0
    missing: int = 0
    """Words that are not where they should be, in any session."""
    incomplete: int = 0
    """Sessions that were not proved complete."""
    interrupted: int = 0
    """Connections that were lost: none should be, for the gateway lives."""
    delays_s: list[float] = field(default_factory=list)
    """From the end of each utterance on its tape to its final."""
    joined_s: float = 0.0
    """From when a third node was part of the cluster to the first call that its worker has answered."""
    calls_repeated: int = 0
    workers_lost: int = 0


def script_of(session: int, utterances: int) -> list[list[int]]:
    """Return the words of a session, which no other one says."""
    return [[1_000 + 100 * session + 3 * number + word for word in range(1, 3)] for number in range(utterances)]


async def survive(sessions: int, *, kills: int, every_s: float) -> Outcome:
    """Hold so many sessions at the pace of speech while a node is killed ``kills`` times, and let a third one join."""
    outcome = Outcome(sessions)
    with trio.fail_after(PATIENCE_S + kills * every_s):
        cluster = simulated_nodes(2)
        nodes = await trio.to_thread.run_sync(cluster.__enter__)
        try:
            await _with_gateway(nodes, outcome, kills=kills, every_s=every_s)
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(cluster.__exit__, None, None, None)
    return outcome


async def _with_gateway(nodes: SimulatedNodes, outcome: Outcome, *, kills: int, every_s: float) -> None:
    def load(progress: LoadProgress) -> Loaded:
        return Loaded(engine=listening_on(nodes.address))

    async with running_server(ServerConfig(port=0), load) as server:
        await server.engine_ready()
        await _workers(server, 2)
        seconds = every_s * (kills + 0.5)
        async with trio.open_nursery() as nursery:
            for number in range(outcome.sessions):
                nursery.start_soon(partial(_talk, server.url, number, seconds, outcome))
            for _ in range(kills):
                await trio.sleep(every_s)
                await trio.to_thread.run_sync(nodes.kill_oldest)
                outcome.kills += 1
                await trio.to_thread.run_sync(nodes.add)
            await _workers(server, 2)
            outcome.joined_s = await _third(nodes, server)
        status = server.status().workers
        assert status is not None
        outcome.calls_repeated, outcome.workers_lost = status.repeated, status.lost


async def _workers(server: SpeechServer, count: int) -> None:
    """Wait until so many workers serve."""
    while True:
        if sum(worker.state != "starting" for worker in _those_of(server)) >= count:
            return
        await trio.sleep(LOOK_S)


def _those_of(server: SpeechServer) -> Sequence[Any]:
    status = server.status().workers
    return () if status is None else status.workers


async def _third(nodes: SimulatedNodes, server: SpeechServer) -> float:
    """Add a node while sessions talk; return the seconds until its worker has answered a call."""
    before = {worker.name for worker in _those_of(server)}
    await trio.to_thread.run_sync(nodes.add)
    began_s = trio.current_time()
    while True:
        if any(worker.name not in before and worker.calls for worker in _those_of(server)):
            return trio.current_time() - began_s
        await trio.sleep(LOOK_S)


async def _talk(url: str, number: int, seconds: float, outcome: Outcome) -> None:
    await trio.sleep(FRAME_S * number / outcome.sessions)
    utterance = spoken([[1, 2]])
    utterances = max(1, round(seconds * RATE * SAMPLE_BYTES / len(utterance)))
    words = script_of(number, utterances)
    audio = spoken(words)
    ends_s = [len(spoken(words[: index + 1])) / RATE / SAMPLE_BYTES for index in range(utterances)]
    heard: list[tuple[float, str]] = []
    async with connect(url) as client, trio.open_nursery() as nursery:
        began_s = trio.current_time()
        nursery.start_soon(_send, client, audio, began_s)
        async for event in client:
            match event:
                case Final(text=text) if text:
                    heard.append((trio.current_time() - began_s, text))
                case Interrupted():
                    outcome.interrupted += 1
                case SessionClosed(complete=complete):
                    outcome.incomplete += complete is not True
                case _:
                    pass
    expected = [text_of(each) for each in words]
    said = [text for _, text in heard]
    outcome.words += sum(len(each) for each in words)
    outcome.missing += _wrong(expected, said)
    if said == expected:
        outcome.delays_s += [at_s - (end_s - PAUSE_S) for (at_s, _), end_s in zip(heard, ends_s, strict=True)]


async def _send(client: Any, audio: bytes, began_s: float) -> None:
    step = round(FRAME_S * RATE) * SAMPLE_BYTES
    for index, at in enumerate(range(0, len(audio), step)):
        await trio.sleep_until(began_s + index * FRAME_S)
        await client.send_audio(audio[at : at + step])
    await client.end_input()


def _wrong(expected: Sequence[str], said: Sequence[str]) -> int:
    """Return how many words are missing, too many, or not in their place."""
    wanted, got = " ".join(expected).split(), " ".join(said).split()
    same = sum(one == other for one, other in zip(wanted, got, strict=False))
    return max(len(wanted), len(got)) - same
