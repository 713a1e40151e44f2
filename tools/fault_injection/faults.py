"""The faults: what happens to a connection or a server, and when. Moments are counted in bytes and frames."""

from dataclasses import dataclass
from enum import StrEnum, auto
from random import Random
from typing import Final, Literal


class Kind(StrEnum):
    """What happens."""

    CLOSE = auto()
    """The server's side says a Close frame (1001) and ends."""
    END = auto()
    """Both sides see an end of file between two frames, without a Close frame."""
    RESET = auto()
    """Both sides get a reset, which wipes what they have not read yet."""
    TRUNCATED = auto()
    """A frame of the server ends in its middle, and the connection with it."""
    GARBAGE = auto()
    """Bytes that are no WebSocket frame come between two frames of the server."""
    DEAD_UPLINK = auto()
    """Nothing that the client says arrives any more. What the server says does; neither side is told."""
    DEAD_DOWNLINK = auto()
    """The same the other way round."""
    SILENCE = auto()
    """Nothing arrives any more, either way, and neither side is told."""
    PAUSE = auto()
    """Nothing arrives for a while, and then all of it."""
    DELAY = auto()
    """What is said arrives late."""
    DRIP = auto()
    """What is said arrives in pieces of a few bytes."""
    DUPLICATE = auto()
    """All that the client has said on the connection is said again on another one."""
    KILLED = auto()
    """The server's process is killed (SIGKILL), and started again."""
    DRAINED = auto()
    """The server is told to stop (SIGTERM), and started again when it has."""
    REFUSED = auto()
    """A reset, and then the next connections are reset before anything is said."""
    CUT_AFTER_UPGRADE = auto()
    """An end of file, and then the next connections end behind the answer to the upgrade, before the first message."""
    UNAVAILABLE = auto()
    """An end of file, and then the next connections are answered with HTTP 503."""


ENDS_A_SERVER: Final = frozenset({Kind.KILLED, Kind.DRAINED})
REPEATED: Final = frozenset({Kind.REFUSED, Kind.CUT_AFTER_UPGRADE, Kind.UNAVAILABLE})
"""Kinds that meet some of the next connections too."""
UNTOLD: Final = frozenset({Kind.DEAD_UPLINK, Kind.DEAD_DOWNLINK, Kind.SILENCE})
"""Kinds that a client finds out by waiting. Before it is ready for the first time it waits once, for all of the
``connect_timeout_s`` of its application, which then gets a `ConnectFailed`: there is no session yet, and no audio."""
MOST_REPEATS: Final = 3
MOST_FAULTS: Final = 5
"""In one session."""
UPGRADE_BYTES: Final = 2_000
"""About what a client says before its first audio: the upgrade, and ``start`` or ``resume``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault of a session; each waits for the one before it.

    ``where`` says what ``after`` counts: ``up`` is the client's bytes on all connections of the session so far;
    ``drain`` the server's frames on one connection, from ``input_ended`` on.
    """

    kind: Kind
    where: Literal["up", "drain"]
    after: int
    repeats: int = 0
    """How many of the next connections it meets too."""


def plan(random: Random, *, audio_bytes: int) -> tuple[Fault, ...]:
    """Return one to `MOST_FAULTS` faults for a session that says at least so many bytes of audio.

    They come while the connection is made, while audio is sent, and while the rest is waited for after the end of it.
    """
    count = random.randint(1, MOST_FAULTS)
    drains = sum(random.random() < 0.25 for _ in range(count))
    ups = [_up(random, audio_bytes) for _ in range(count - drains)]
    return (
        *sorted(ups, key=lambda fault: fault.after),
        *(_fault(random, _kind(random), "drain", random.randrange(2)) for _ in range(drains)),
    )


def alone(kind: Kind, *, audio_bytes: int) -> tuple[Fault]:
    """Return one fault of a kind, in the middle of the audio."""
    return (_fault(Random(kind.value), kind, "up", audio_bytes // 2),)


def _up(random: Random, audio_bytes: int) -> Fault:
    kind = _kind(random)
    while_connecting = random.random() < 0.1 and kind not in UNTOLD
    after = random.randrange(UPGRADE_BYTES) if while_connecting else random.randrange(UPGRADE_BYTES, audio_bytes)
    return _fault(random, kind, "up", after)


def _kind(random: Random) -> Kind:
    """Return a kind; those that end a server meet every other session on it too, and are rarer."""
    (kind,) = random.choices(list(Kind), weights=[1 if kind in ENDS_A_SERVER else 3 for kind in Kind])
    return kind


def _fault(random: Random, kind: Kind, where: Literal["up", "drain"], after: int) -> Fault:
    repeats = random.randint(1, MOST_REPEATS) if kind in REPEATED else 0
    return Fault(kind=kind, where=where, after=after, repeats=repeats)
