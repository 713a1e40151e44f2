"""A run: sessions by the batch, each through a proxy of its own, held to what an uncut one says."""

import math
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Final

import trio

from fault_injection.conversation import AUDIO_BYTES, BACKENDS, SAID, Answers, Backend, Outcome, converse
from fault_injection.faults import Fault, Kind, alone, plan
from fault_injection.nodes import Nodes, running_nodes
from fault_injection.proxy import FaultyProxy

NODES: Final = 3
AT_ONCE: Final = 16
PATIENCE_S: Final = 600.0
"""Seconds after which a session counts as hung."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One session of a run."""

    number: int
    backend: Backend
    made: tuple[tuple[Fault, float], ...]
    outcome: Outcome
    differences: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run came to."""

    seed: str
    engine: str
    uncut: Answers
    uncut_s: float
    sessions: Sequence[Session]
    alone: Sequence[Session]
    """One session for each kind of fault, with that alone, one after the other."""
    kills: int
    drained_s: Sequence[float]
    """How long each drain of a server took."""

    @property
    def made(self) -> Counter[Kind]:
        """How often each kind of fault was made."""
        return Counter(fault.kind for session in self.sessions for fault, _ in session.made)

    @property
    def different(self) -> list[Session]:
        """The sessions that were not as the uncut one."""
        return [session for session in (*self.sessions, *self.alone) if session.differences]


def planned(seed: str, number: int) -> tuple[Fault, ...]:
    """Return the faults of session ``number`` of the run ``seed``."""
    return plan(Random(f"{seed} {number}"), audio_bytes=AUDIO_BYTES)


class Runner:
    """Holds the sessions of one run, with nodes that are running."""

    def __init__(
        self, nodes: Nodes, seed: str, tell: Callable[[Session], None], *, without: Collection[Kind] = ()
    ) -> None:
        self.sessions: list[Session] = []
        self._without = without
        """Kinds of faults that are not made."""
        self._nodes = nodes
        self._seed = seed
        self._tell = tell
        self._uncut: Answers | None = None

    async def uncut(self) -> Outcome:
        """Hold a session without a fault. Raises `AssertionError` where it does not hear what was said."""
        outcome, _ = await self._hold(-1, ())
        answers = outcome.answers
        assert answers is not None, outcome.failure
        assert not outcome.resumes + outcome.restarts
        assert tuple(final.text for final in answers.finals if final.text) == SAID, answers.finals
        self._uncut = answers
        return outcome

    async def session(self, number: int, faults: tuple[Fault, ...]) -> Session:
        """Hold one session with these faults."""
        assert self._uncut is not None, "the uncut session comes first"
        outcome, made = await self._hold(number, faults)
        session = Session(
            number=number,
            backend=_backend(number),
            made=tuple(made),
            outcome=outcome,
            differences=outcome.differences(self._uncut),
        )
        self._tell(session)
        return session

    async def all_of(self, numbers: Sequence[int], at_once: int, seconds: float) -> None:
        """Hold the sessions with these numbers, so many at a time; begin none after so many seconds."""
        places, until = trio.Semaphore(at_once), trio.current_time() + seconds

        async def one(number: int) -> None:
            faults = tuple(fault for fault in planned(self._seed, number) if fault.kind not in self._without)
            self.sessions.append(await self.session(number, faults))
            places.release()

        async with trio.open_nursery() as nursery:
            for number in numbers:
                await places.acquire()
                if trio.current_time() >= until:
                    break
                nursery.start_soon(one, number)
        self.sessions.sort(key=lambda session: session.number)

    async def _hold(self, number: int, faults: tuple[Fault, ...]) -> tuple[Outcome, list[tuple[Fault, float]]]:
        proxy = FaultyProxy(self._nodes, faults, seed=f"{self._seed} {number}", node=number % len(self._nodes.nodes))
        async with trio.open_nursery() as nursery:
            url = await nursery.start(proxy.serve)
            outcome = await trio.to_thread.run_sync(
                partial(converse, _backend(number), url, patience_s=PATIENCE_S), limiter=trio.CapacityLimiter(1)
            )
            nursery.cancel_scope.cancel()
        return outcome, proxy.made


async def run(
    numbers: Sequence[int],
    *,
    seed: str,
    engine: str = "stateful",
    nodes: int = NODES,
    at_once: int = AT_ONCE,
    seconds: float = math.inf,
    each_alone: bool = False,
    tell: Callable[[Session], None] = lambda session: None,
) -> Run:
    """Hold the sessions with these numbers; ``engine`` is the kind of the listening engine.

    None begins after so many ``seconds``. With ``each_alone`` one session for each kind of fault follows. Raises
    `AssertionError` where the uncut session does not hear what was said.
    """
    async with running_nodes(nodes, "--model", engine) as running:
        runner = Runner(running, seed, tell)
        uncut = await runner.uncut()
        await runner.all_of(numbers, at_once, seconds)
        singles = [
            await runner.session(number, alone(kind, audio_bytes=AUDIO_BYTES))
            for number, kind in enumerate(Kind if each_alone else ())
        ]
        assert uncut.answers is not None
        return Run(
            seed=seed,
            engine=engine,
            uncut=uncut.answers,
            uncut_s=uncut.seconds,
            sessions=runner.sessions,
            alone=singles,
            kills=sum(node.kills for node in running.nodes),
            drained_s=[seconds for node in running.nodes for seconds in node.drained_s],
        )


def _backend(number: int) -> Backend:
    return BACKENDS[number // NODES % len(BACKENDS)]
