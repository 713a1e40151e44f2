"""`Scenario`: the script of the application, the network, the engine and the faults of one simulation.

All of it is data. The same scenario always leads to the same simulation.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

from auricle.core.limits import Limits
from auricle.core.messages import Start
from auricle.core.testing.engine import EngineProfile
from auricle.core.testing.network import Path

# ---------------------------------------------------------------------------- what the application does


@dataclass(frozen=True, slots=True)
class Speak:
    """Offer audio, ``piece`` samples at a time; ``live``: in real time, else as fast as there is room.

    ``ragged``: the pieces are cut in the middle of a sample, a byte early.
    """

    samples: int
    piece: int
    live: bool = False
    ragged: bool = False


@dataclass(frozen=True, slots=True)
class Stray:
    """Offer a single byte, less than a sample, just before the end."""


@dataclass(frozen=True, slots=True)
class Skip:
    """Advance the timeline without audio."""

    samples: int


@dataclass(frozen=True, slots=True)
class AskFlush:
    """Flush at ``back`` samples before the latest one; ``mark``: do not finalise."""

    back: int = 0
    mark: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """Change the language of the audio that follows."""

    language: str | None


@dataclass(frozen=True, slots=True)
class Rest:
    """Pause the script."""

    seconds: float


@dataclass(frozen=True, slots=True)
class EndInput:
    """End the input."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel the session."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Abort the session."""


Step = Speak | Stray | Skip | AskFlush | Change | Rest | EndInput | Cancel | Leave

# ---------------------------------------------------------------------------- what fails

FaultKind = Literal[
    "cut", "half_open_client", "half_open_server", "stall", "stall_up", "stall_down", "slow_client", "slow_server",
    "restart", "refuse", "unheard", "sleep_client", "sleep_server", "engine_stands", "engine_babbles", "full",
    "shutdown", "broken_server",
]  # fmt: skip
"""``half_open_*``: only the other side learns of the loss. ``unheard``: connections hang while they open.

``engine_stands``: the engine processes nothing; ``engine_babbles``: the same, but it goes on sending partials.
``full``: sessions are refused with ``capacity``. ``broken_server``: sessions fail with ``internal``.
"""
OUR_OWN: tuple[FaultKind, ...] = ("sleep_client", "engine_stands", "engine_babbles")
"""Faults of neither the network nor the server."""
MILD_S: Final = 25.0
"""Less than a client tries to reconnect, and than a server retains a session."""
UNDOES: frozenset[str] = frozenset({"broken_server"})
"""Faults after which a session is not expected to be complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault at a time, or with the ``nth`` message of a type that one side sends."""

    kind: FaultKind
    at_s: float | None = None
    """Virtual time in seconds; None: with a message."""
    said_by: Literal["client", "server"] = "server"
    message: str = ""
    """The type of that message."""
    nth: int = 1
    once_ready: bool = True
    """Whether only messages count that are sent after the client has received ``ready``."""
    after: bool = True
    """Whether the fault comes after that message has been sent; else before."""
    delay_s: float = 0.0
    """Seconds from that message to the fault."""
    for_s: float = 1.0
    """Duration in seconds; for a cut, how long until the server learns of it (or the client, where ``late_client``)."""
    late_client: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Everything that determines one simulation."""

    seed: int = 0
    """Seed of all jitter."""
    steps: tuple[Step, ...] = (EndInput(),)
    start: Start = field(default_factory=Start)
    limits: Limits = field(default_factory=Limits)
    up: Path = field(default_factory=Path)
    down: Path = field(default_factory=Path)
    connect_s: float = 0.05
    lateness_s: float = 0.0
    """Largest lateness of a timer."""
    timers_first: bool = True
    """Whether a loop that was blocked fires timers before it reads."""
    engine_profile: EngineProfile = field(default_factory=EngineProfile)
    block: int = 2_000
    """Samples of a word."""
    resumable: bool = True
    """Whether the server offers to resume."""
    faults: tuple[Fault, ...] = ()

    @property
    def is_gentle(self) -> bool:
        """Whether the session survives every fault, so that nothing may be lost."""
        recoverable = self.resumable and self.start.resume and not self.engine_profile.failing
        return recoverable and self.ends_by_itself and self.is_mild and not self.is_limited

    @property
    def is_limited(self) -> bool:
        """Whether the server may end the input by itself, because of its length or of missing audio."""
        return self.limits.session_max_s < 4 * 3600.0 or self.limits.audio_idle_s < 4 * 3600.0

    @property
    def is_mild(self) -> bool:
        """Whether no fault ends the session, and all together are shorter than any timeout."""
        return all(f.kind not in UNDOES for f in self.faults) and sum(f.for_s for f in self.faults) <= MILD_S

    @property
    def is_slow(self) -> bool:
        """Whether the network carries so little at once that a closing handshake may not get through in time."""
        return min(self.up.buffer_bytes, self.down.buffer_bytes) < 10_000

    @property
    def ends_by_itself(self) -> bool:
        """Whether the application neither cancels nor aborts."""
        return not any(isinstance(step, Cancel | Leave) for step in self.steps)
