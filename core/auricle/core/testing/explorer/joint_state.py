"""The joint state: two sides, the connections between them, what has been spent, and what has been seen."""

from enum import IntEnum
from typing import Final, NamedTuple


class End(IntEnum):
    """One side's end of a connection."""

    GONE = 0
    OPEN = 1
    CLOSING = 2
    """Its Close frame is sent; it still reads."""
    DROPPED = 3
    """Dropped by its own session, which has not been told yet that it is gone."""


class Health(IntEnum):
    """What a connection is worth."""

    GOOD = 0
    BROKEN = 1
    """Either side may learn so at any time; what is on its way may still arrive, or not."""
    SILENT = 2
    """Nothing arrives and nobody is told."""


class Fault(IntEnum):
    """What an exploration has a budget for; the index into `World.spent`."""

    CUT = 0
    SILENCE = 1
    REFUSAL = 2
    RESTART = 3
    EXPIRY = 4
    STALL = 5
    STOP = 6
    FAIL = 7
    HASTE = 8


NOTHING_SPENT: Final = (0,) * len(Fault)


class Link(NamedTuple):
    """A connection. Channels are numbers of items, the next to arrive first."""

    up: tuple[int, ...] = ()
    down: tuple[int, ...] = ()
    client: End = End.OPEN
    server: End = End.OPEN
    health: Health = Health.GOOD


class Served(NamedTuple):
    """A session at the server."""

    state: int
    link: int
    """Index of its connection, -1 where it has none."""
    born: int
    """Which of the server's sessions this is."""


class JointState(NamedTuple):
    """Everything there is, at one moment. Small numbers are those of the pools of `cache`."""

    client: int
    connecting: bool
    """The client has asked for a connection and waits for it."""
    here: int
    """Index of the connection the client listens to, -1 where there is none."""
    links: tuple[Link, ...]
    servers: tuple[Served, ...]
    born: int
    spent: tuple[int, ...]
    seen: int
    """What an onlooker at the client knows (`checks.Observed`)."""
