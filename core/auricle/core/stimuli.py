"""Everything that can happen to a session: the input alphabet of `step`. All of it is data, none of it bytes."""

from dataclasses import dataclass
from typing import Literal

from auricle.core.messages import Message, Resume
from auricle.core.outputs import AudioSpan
from auricle.core.snapshot import EndCode
from auricle.core.states import Kind, Side, kind_of

LossKind = Literal["eof", "reset", "refused", "stalled", "cancelled"]
"""How a transport went away: closed by the peer, broken, never opened, stuck in a write, or taken from us for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Our user wants this said."""

    message: Message | AudioSpan


@dataclass(frozen=True, slots=True, kw_only=True)
class Hear:
    """The peer has said this."""

    message: Message | AudioSpan
    legacy: bool = False
    """Server: the message came in the legacy dialect. Only the first message of a session decides that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """A verb without parameters, or a timer that has run out."""

    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Client: a transport is open. ``legacy``: the server on it speaks the legacy dialect."""

    legacy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lose:
    """The transport has gone. ``code`` is the peer's close code, 1006 where there was none."""

    how: LossKind
    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attach:
    """Server: the client is back, on a transport that waits to be adopted. ``fresh`` is its token for the next time."""

    resume: Resume
    fresh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """The engine has heard every sample before ``processed``."""

    processed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    """The server ends the session with a fatal error."""

    code: str
    why: str
    param: str | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopInput:
    """The server takes no more input, for the reason ``code``."""

    code: EndCode


Stimulus = Say | Hear | Local | Opened | Lose | Attach | Advance | Fail | StopInput


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
        case Fail():
            return Side.LOCAL, Kind.FAIL
        case StopInput():
            return Side.LOCAL, Kind.END_BY_SERVER
