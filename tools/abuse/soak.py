"""A soak: sessions as fast as they go, cut in all ways, beside attacks, on one server that nobody restarts.

Sessions, faults and proxy are those of `fault_injection`: the engine hears words that are in the samples, and each
session must be exactly as an uncut one.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import trio
from fault_injection.conversation import AUDIO_BYTES
from fault_injection.faults import Kind
from fault_injection.nodes import Node, Nodes, with_listening_engine
from fault_injection.run import Runner, Session

from abuse.attacks import bodies, frames, heads, recordings
from abuse.catalogue import Attack
from abuse.target import Target, Vitals

AT_ONCE: Final = 4
MOST_SESSIONS: Final = 1_000_000
"""More than there is time for."""
STOPS: Final = (Kind.KILLED, Kind.DRAINED)
"""What ends the server is left out: its memory is to be seen, and a new one has none."""
BYTES_PER_S: Final = 32_000
QUICK: Final[Sequence[Attack]] = (
    heads.break_ins,
    heads.endless_head,
    frames.giant_claim,
    frames.giant_message,
    frames.tiny_frames,
    frames.empty_fragments,
    frames.compressed,
    frames.malformed,
    bodies.gzip_bomb,
    bodies.many_parts,
    bodies.endless_headers,
    bodies.tiny_chunks,
    recordings.promises,
)
"""Attacks that are over soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """What a soak came to."""

    seconds: float
    sessions: int
    different: Sequence[Session]
    faults: int
    attacks: int
    attack_faults: Sequence[str]
    before: Vitals
    early: Vitals
    """After a quarter of the time, when all that is ever loaded is."""
    late: Vitals
    trouble: Sequence[str]

    @property
    def audio_s(self) -> float:
        """Seconds of audio in all sessions."""
        return self.sessions * AUDIO_BYTES / BYTES_PER_S


@dataclass(slots=True)
class _Attacks:
    target: Target
    random: Random
    made: int = 0
    faults: tuple[str, ...] = ()

    async def go_on(self) -> None:
        """Make one attack after the other."""
        while True:
            fates = await self.random.choice(QUICK)(self.target)
            self.made += 1
            self.faults += tuple(fates.faults)


async def soak(seconds: float, seed: str, tell: Callable[[Session], None]) -> Soak:
    """Begin sessions for so many seconds, and hear them to their end."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        node = Node(("--engine", "listening"), with_listening_engine(Path(folder)), log)
        async with trio.open_nursery() as nursery:
            await nursery.start(node.run_once)
            assert node.pid is not None
            target = Target(node.port, 0, node.pid, log)
            told = await _soaked(target, Nodes([node]), seconds, seed, tell)
            nursery.cancel_scope.cancel()
    return told


async def _soaked(target: Target, nodes: Nodes, seconds: float, seed: str, tell: Callable[[Session], None]) -> Soak:
    runner, attacks = Runner(nodes, seed, tell, without=STOPS), _Attacks(target, Random(seed))
    await runner.uncut()
    before, began = target.vitals(), trio.current_time()
    early = [before]

    async def look() -> None:
        await trio.sleep(seconds / 4)
        early.append(target.vitals())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(attacks.go_on)
        nursery.start_soon(look)
        await runner.all_of(range(MOST_SESSIONS), AT_ONCE, seconds)
        nursery.cancel_scope.cancel()
    lasted = trio.current_time() - began
    return Soak(
        seconds=lasted,
        sessions=len(runner.sessions),
        different=[session for session in runner.sessions if session.differences],
        faults=sum(len(session.made) for session in runner.sessions),
        attacks=attacks.made,
        attack_faults=attacks.faults,
        before=before,
        early=early[-1],
        late=await target.settled(before.fds),
        trouble=target.trouble(),
    )
