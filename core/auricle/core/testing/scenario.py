"""What a simulated conversation is made of: what the application does, how the network and the engine are, what fails.

All of it is data. The same scenario always comes to the same conversation.
"""

from dataclasses import dataclass, field
from typing import Literal

from auricle.core.limits import Limits
from auricle.core.messages import Start
from auricle.core.testing.engine import EngineProfile
from auricle.core.testing.network import Path

# ---------------------------------------------------------------------------- what the application does


@dataclass(frozen=True, slots=True)
class Speak:
    """Offer audio, ``piece`` samples at a time; ``live``: at the speed at which it is spoken, else as room allows.

    ``ragged``: the pieces are cut in the middle of a sample, a byte early.
    """

    samples: int
    piece: int
    live: bool = False
    ragged: bool = False


@dataclass(frozen=True, slots=True)
class Stray:
    """Offer a byte that is less than a sample, just before the end."""


@dataclass(frozen=True, slots=True)
class Skip:
    """Let the timeline go on without audio."""

    samples: int


@dataclass(frozen=True, slots=True)
class AskFlush:
    """Ask for what lies ``back`` samples before the end to be decided; ``mark``: ask only to be told."""

    back: int = 0
    mark: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """Speak another language from here on."""

    language: str | None


@dataclass(frozen=True, slots=True)
class Rest:
    """Do nothing for a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class EndInput:
    """No more audio."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop now."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Abort."""


Step = Speak | Stray | Skip | AskFlush | Change | Rest | EndInput | Cancel | Leave

# ---------------------------------------------------------------------------- what fails

FaultKind = Literal[
    "cut", "half_open_client", "half_open_server", "stall", "stall_up", "stall_down", "slow_client", "slow_server",
    "restart", "refuse", "unheard", "sleep_client", "sleep_server", "engine_stands", "engine_babbles", "full",
    "shutdown", "broken_server",
]  # fmt: skip
"""``half_open_*``: only the other side learns of the loss. ``unheard``: connections hang while they open.

``engine_babbles``: it gets nowhere, and goes on guessing. ``full``: sessions are refused for want of room.
``broken_server``: it fails the session (``internal``).
"""
OUR_OWN: tuple[FaultKind, ...] = ("sleep_client", "engine_stands", "engine_babbles")
"""Faults that leave network and server as they are."""
MILD_S = 25.0
"""Less than a client looks for its server, and than a server waits for its client."""
UNDOES: frozenset[str] = frozenset({"shutdown", "broken_server"})
"""Faults after which a session is not expected to be complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong: at a time, or with the ``nth`` frame of a type that one side says."""

    kind: FaultKind
    at_s: float | None = None
    """When, in seconds; None: with a frame."""
    said_by: Literal["client", "server"] = "server"
    message: str = ""
    """The type of that frame."""
    nth: int = 1
    once_ready: bool = True
    """Whether only frames count that are said once the client is ``ready``: before, there is less to lose."""
    after: bool = True
    """Whether that frame is on the wire by then, or still to be said."""
    delay_s: float = 0.0
    """How long after that frame."""
    for_s: float = 1.0
    """How long it lasts; for a cut, how long until the server learns of it (or the client, where ``late_client``)."""
    late_client: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A whole conversation, before it happens."""

    seed: int = 0
    """What the jitter is drawn from."""
    steps: tuple[Step, ...] = (EndInput(),)
    start: Start = field(default_factory=Start)
    limits: Limits = field(default_factory=Limits)
    up: Path = field(default_factory=Path)
    down: Path = field(default_factory=Path)
    connect_s: float = 0.05
    lateness_s: float = 0.0
    """Timers fire up to so much late."""
    timers_first: bool = True
    """Whether a loop that wakes up fires timers before it reads."""
    engine_profile: EngineProfile = field(default_factory=EngineProfile)
    block: int = 2_000
    """Samples of a word."""
    resumable: bool = True
    """Whether the server lets clients come back."""
    faults: tuple[Fault, ...] = ()

    @property
    def is_gentle(self) -> bool:
        """Whether everything that fails can be lived through, so that nothing may be lost."""
        recoverable = self.resumable and self.start.resume and not self.engine_profile.failing
        return recoverable and self.ends_by_itself and self.is_mild and not self.is_limited

    @property
    def is_limited(self) -> bool:
        """Whether the server may end the input by itself, because it lasts long or is silent."""
        return self.limits.session_max_s < 4 * 3600.0 or self.limits.audio_idle_s < 4 * 3600.0

    @property
    def is_mild(self) -> bool:
        """Whether the faults are of the network, and shorter together than anybody's patience alone."""
        return all(f.kind not in UNDOES for f in self.faults) and sum(f.for_s for f in self.faults) <= MILD_S

    @property
    def is_slow(self) -> bool:
        """Whether the network carries so little at once that a closing handshake may not get through in time."""
        return min(self.up.buffer_bytes, self.down.buffer_bytes) < 10_000

    @property
    def ends_by_itself(self) -> bool:
        """Whether the application hears its session out, however long that takes."""
        return not any(isinstance(step, Cancel | Leave) for step in self.steps)
