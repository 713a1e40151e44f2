"""The inputs of `step`: messages, verbs, transport events and timers, as data without audio bytes."""

from dataclasses import dataclass
from typing import Literal

from auricle.core.messages import Message, Resume
from auricle.core.outputs import AudioSpan
from auricle.core.snapshot import EndCode
from auricle.core.states import Kind, Side, kind_of

LossKind = Literal["eof", "reset", "refused", "stalled", "cancelled"]
"""How a transport ended: closed by the peer, broken, never opened, stalled in a write, or its driver cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Our own side sends this message."""

    message: Message | AudioSpan


@dataclass(frozen=True, slots=True, kw_only=True)
class Hear:
    """A message of the peer has arrived."""

    message: Message | AudioSpan
    legacy: bool = False
    """Server: the message came in the legacy dialect. Only the first message of a session decides that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """A verb without parameters, or a timer that has expired."""

    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Client: a transport is open. ``legacy``: the server on it speaks the legacy dialect."""

    legacy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lose:
    """The transport has ended. ``code`` is the peer's close code, 1006 where there was none (RFC 6455 §7.4.1)."""

    how: LossKind
    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attach:
    """Server: a client resumes the session on a new transport. ``fresh`` is its token for the next resume."""

    resume: Resume
    fresh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """Server: the engine has processed every sample before ``processed``."""

    processed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """Server: the engine may need ``engine_s`` seconds, beyond the limits, for whatever it is asked next.

    ``moved``: its queue has moved meanwhile, in which audio of this session waits.
    """

    engine_s: float
    moved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    """Server: end the session with a fatal error. ``code`` is a key of `ERROR_CODES`."""

    code: str
    why: str
    param: str | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopInput:
    """Server: end the input from this side, for the reason ``code``."""

    code: EndCode


Stimulus = Say | Hear | Local | Opened | Lose | Attach | Advance | Expect | Fail | StopInput


def classify(stimulus: Stimulus) -> tuple[Side, Kind]:
    """Return the side and the table row of a stimulus."""
    match stimulus:
        case Say(message=message):
            return Side.SAY, Kind.AUDIO if isinstance(message, AudioSpan) else kind_of(message)
        case Hear(message=message):
            return Side.HEAR, Kind.AUDIO if isinstance(message, AudioSpan) else kind_of(message)
        case Local(kind=kind):
            return Side.LOCAL, kind
        case Opened():
            return Side.LOCAL, Kind.OPENED
        case Lose():
            return Side.LOCAL, Kind.LOST
        case Attach():
            return Side.LOCAL, Kind.ATTACH
        case Advance():
            return Side.LOCAL, Kind.PROGRESS
        case Expect(moved=moved):
            return Side.LOCAL, Kind.QUEUE_MOVED if moved else Kind.QUEUE_PREDICTED
        case Fail():
            return Side.LOCAL, Kind.FAIL
        case StopInput():
            return Side.LOCAL, Kind.END_BY_SERVER
