"""`JointState`: both sides, their connections, the faults spent and the observations, as small numbers."""

from enum import IntEnum
from typing import Final, NamedTuple


class End(IntEnum):
    """One side's end of a connection."""

    GONE = 0
    OPEN = 1
    CLOSING = 2
    """Its Close frame is sent; it still reads."""
    DROPPED = 3
    """Aborted by its own session, which has not learnt yet that it has ended."""


class Health(IntEnum):
    """The condition of a connection."""

    GOOD = 0
    BROKEN = 1
    """Either side may learn so at any time; what is on its way may still arrive, or not."""
    SILENT = 2
    """Nothing arrives, and neither side learns so."""


class Fault(IntEnum):
    """What an exploration has a budget for; the index into `JointState.spent`."""

    CUT = 0
    SILENCE = 1
    REFUSAL = 2
    RESTART = 3
    EXPIRY = 4
    STALL = 5
    STOP = 6
    FAIL = 7
    HASTE = 8
    DRAIN = 9
    FULL = 10


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
    """The state of everything at one moment. Numbers are those of the tables of `step_cache.StepCache`."""

    client: int
    connecting: bool
    """The client has asked for a connection and waits for it."""
    here: int
    """Index of the connection that the client reads, -1 where there is none."""
    links: tuple[Link, ...]
    servers: tuple[Served, ...]
    born: int
    spent: tuple[int, ...]
    seen: int
    """Number of the observations at the client (`checks.Observed`)."""
