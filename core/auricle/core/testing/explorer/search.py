"""Breadth-first search of all joint states, with their predecessors: the first violation has a shortest trace."""

import struct
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from auricle.core.states import State
from auricle.core.testing.explorer.checks import InvariantBroken, Observed
from auricle.core.testing.explorer.endpoints import new_client
from auricle.core.testing.explorer.interning import InternTable
from auricle.core.testing.explorer.joint_state import NOTHING_SPENT, JointState, Link, Served
from auricle.core.testing.explorer.move import Move
from auricle.core.testing.explorer.moves import successors
from auricle.core.testing.explorer.settings import Settings
from auricle.core.testing.explorer.step_cache import StepCache

_KEY: Final = struct.Struct("=IIIIIIBb?")


class Step(NamedTuple):
    """One step of a trace."""

    move: Move
    joint_state: JointState
    """The joint state before it."""


@dataclass
class Found:
    """A violation, with a shortest trace to it."""

    invariant: str
    why: str
    trace: list[Step]
    last: str
    """What was being tried."""


@dataclass
class Explored:
    """All reachable joint states of one exploration, by number."""

    settings: Settings
    cache: StepCache
    moves: InternTable[Move] = field(default_factory=InternTable)
    parents: "array[int]" = field(default_factory=lambda: array("I"))
    by_move: "array[int]" = field(default_factory=lambda: array("H"))
    keys: list[bytes] = field(default_factory=list)
    fair_from: "array[int]" = field(default_factory=lambda: array("I"))
    fair_to: "array[int]" = field(default_factory=lambda: array("I"))
    ended: list[int] = field(default_factory=list)
    """States in which everything is over."""
    edges: int = 0
    depth: int = 0
    complete: bool = False
    """Whether every reachable state has been seen."""
    found: Found | None = None
    links: InternTable[tuple[Link, ...]] = field(default_factory=InternTable)
    served: InternTable[tuple[Served, ...]] = field(default_factory=InternTable)
    spent: InternTable[tuple[int, ...]] = field(default_factory=InternTable)

    def key(self, w: JointState) -> bytes:
        """Return a joint state as a few bytes; exact, as everything in it is interned."""
        return _KEY.pack(
            w.client, self.links.number(w.links), self.served.number(w.servers), self.spent.number(w.spent), w.seen,
            0, w.born, w.here, w.connecting,
        )  # fmt: skip

    def joint_state(self, number: int) -> JointState:
        """Return a joint state by its number."""
        client, links, served, spent, seen, _, born, here, connecting = _KEY.unpack(self.keys[number])
        return JointState(
            client, connecting, here, self.links[links], self.served[served], born, self.spent[spent], seen
        )

    def trace(self, number: int) -> list[Step]:
        """Return a shortest trace to a joint state."""
        steps: list[Step] = []
        while number:
            before = self.parents[number]
            steps.append(Step(self.moves[self.by_move[number]], self.joint_state(before)))
            number = before
        return steps[::-1]


def beginning(cache: StepCache, settings: Settings) -> JointState:
    """Return the joint state in which the client has asked for its first connection."""
    client = cache.clients.number(new_client(settings.config(), settings.limits()))
    return JointState(client, True, -1, (), (), 0, NOTHING_SPENT, cache.seen.number(Observed()))


def is_over(cache: StepCache, w: JointState) -> bool:
    """Whether both sides have ended, and no connection and no retained session is left."""
    return cache.clients[w.client].state is State.CLOSED and not (w.links or w.servers or w.connecting)


def explore(settings: Settings, *, most: int, progress: Callable[[Explored], None] | None = None) -> Explored:
    """Search until everything reachable has been seen, an invariant breaks, or there are ``most`` states."""
    cache = StepCache()
    explored = Explored(settings, cache)
    first = explored.key(beginning(cache, settings))
    numbers = {first: 0}
    explored.keys.append(first)
    explored.parents.append(0)
    explored.by_move.append(0)
    level_end, at = 1, 0
    while at < len(explored.keys) and len(explored.keys) < most:
        if at == level_end:
            explored.depth += 1
            level_end = len(explored.keys)
            if progress is not None:
                progress(explored)
        try:
            _expand(explored, numbers, at)
        except InvariantBroken as broken:
            explored.found = Found(broken.invariant, str(broken), explored.trace(at), _last(explored, at))
            return explored
        at += 1
    explored.complete = at == len(explored.keys)
    return explored


def _expand(explored: Explored, numbers: dict[bytes, int], at: int) -> None:
    w = explored.joint_state(at)
    if is_over(explored.cache, w):
        explored.ended.append(at)
    for move, after in successors(explored.cache, explored.settings, w):
        key = explored.key(after)
        number = numbers.get(key)
        if number is None:
            number = numbers[key] = len(explored.keys)
            explored.keys.append(key)
            explored.parents.append(at)
            explored.by_move.append(explored.moves.number(move))
        explored.edges += 1
        if move.fair:
            explored.fair_from.append(at)
            explored.fair_to.append(number)


def _last(explored: Explored, at: int) -> str:
    """Return the move that breaks the invariant: the one after those that do not."""
    done = []
    try:
        for move, _ in successors(explored.cache, explored.settings, explored.joint_state(at)):
            done.append(move)
    except InvariantBroken:
        pass
    return f"after {len(done)} other moves from here: {[f'{move.who}: {move.what}' for move in done]}"
