"""`Client` and `Server`: the real sessions over `step` as the explorer runs them, without frames, bytes or time.

Time. ``now`` is always `NOW`, so every time in a snapshot is `NOW`, and snapshots are finite in number. Timers fire by
choice instead: whatever `timers.deadlines` lists may fire next (`moves` says which of them may not, because a peer on a
working network would have been heard before). That covers every real order of events: what a rule does never depends
on how late it is, only on which timers are armed, and those are computed from the real snapshot. It over-approximates:
orders that the lengths of the timers exclude are explored too, so a trace may contain a rest of 60 s before one of
0.25 s. Two rules do compare times, and are fixed to one side here: requests never come too fast
(`server_receive.exceeds_rate`), and audio always as if it were live (`server_receive.warn_if_falling_behind`).
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from auricle.core import timers
from auricle.core.client import ClientSession
from auricle.core.codec import Decoded
from auricle.core.dialect import Dialect
from auricle.core.errors import LocalProtocolError
from auricle.core.limits import Limits
from auricle.core.messages import PROTOCOL, Durable, Gap, Message, Resume, Start
from auricle.core.outputs import AudioSpan, Output, Transmit
from auricle.core.record import MessageRecord
from auricle.core.server import ServerSession
from auricle.core.session import Outputs
from auricle.core.snapshot import Snapshot
from auricle.core.states import Kind
from auricle.core.stimuli import Hear, Local, Lose

NOW: Final = 0.0
"""The time of every step. It equals the initial times of a snapshot, so that set and unset times look the same."""


class Close(NamedTuple):
    """A Close frame on its way."""

    code: int


class Skipped(NamedTuple):
    """A ``gap`` on its way, with its position in the client's timeline."""

    message: Gap
    start: int


Item = Message | AudioSpan | Skipped | Close
"""What a channel holds."""


class _Plain(NamedTuple):
    """The dialect of messages that are not encoded at all."""

    legacy: bool = False

    def decode(self, frame: Any, s: Snapshot) -> tuple[Dialect, tuple[Decoded, ...]]:
        """Never used: `Client.hear` and `Server.hear` take messages."""
        raise AssertionError(frame)

    def encode(self, message: Message, s: Snapshot) -> tuple[Dialect, tuple[str]]:
        """The frame does not matter: the explorer reads ``Transmit.message``."""
        return self, ("",)

    def ending(self, code: int, reason: str) -> tuple[int, str]:
        """As ``auricle.v1``."""
        return code, reason

    def conclude(self, lost: Lose, s: Snapshot) -> None:
        """As ``auricle.v1``: a close without ``closed`` is never a success."""


class _NoRing:
    """Stands in for the client's `AudioRing`: there are no bytes."""

    frame_bytes = 2
    residue = 0

    def append(self, data: bytes) -> None:
        """Keep nothing."""

    def skip(self, samples: int) -> None:
        """Keep nothing."""

    def discard(self, before: int) -> None:
        """There is nothing."""


class Client(ClientSession):
    """A client at a given snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._dialect = _Plain()
        self._allow_legacy = False
        self._ring = _NoRing()  # type: ignore[assignment]  # the search carries no audio

    def hear(self, item: Item) -> Outputs:
        """Receive an item of the server."""
        assert isinstance(item, Message)
        return self._hear(Decoded(item), now=NOW)

    def fire(self, kind: Kind) -> Outputs:
        """Let a timer run out."""
        return self._step(Local(kind=kind), now=NOW)

    def normal_state(self) -> Snapshot:
        """Return the snapshot in its normal form."""
        return normal(self._snapshot)

    def _audio(self, span: AudioSpan) -> Any:
        return span


class ServerState(NamedTuple):
    """The state of a server session: its snapshot and its record."""

    snapshot: Snapshot
    record: tuple[Durable, ...] = ()


class Server(ServerSession):
    """A server session in a given state."""

    def __init__(self, state: ServerState) -> None:
        self._snapshot = state.snapshot
        self._dialect = _Plain()
        self._ignored = ()
        self._heard = b""
        self._rest = b""
        self._record = MessageRecord(state.snapshot.limits.max_record)
        for message in state.record:
            self._record.add(message)

    def hear(self, item: Item) -> Outputs:
        """Receive an item of the client. Audio is counted from this side's position, as bytes on a wire are."""
        match item:
            case AudioSpan(start=start, end=end):
                at = self._snapshot.sent
                return self._step(Hear(message=AudioSpan(start=at, end=at + end - start)), now=NOW)
            case Skipped(message=message):
                return self._hear(Decoded(message), now=NOW)
            case Message():
                return self._hear(Decoded(item), now=NOW)
            case _:
                raise AssertionError(item)

    def come_back(self, resume: Resume) -> Outputs:
        """Resume the session. The tokens of a session are numbered from ``t0``."""
        token = self._snapshot.recovery.token or "t0"
        return self.attach(resume, fresh_token=f"t{int(token[1:]) + 1}", now=NOW)

    def fire(self, kind: Kind) -> Outputs:
        """Let a timer run out."""
        return self._step(Local(kind=kind), now=NOW)

    def normal_state(self) -> ServerState:
        """Return the state in its normal form."""
        return ServerState(normal(self._snapshot), tuple(self._record.after(0)))


def new_client(config: Start, limits: Limits) -> Snapshot:
    """Return a client that has asked for its first transport."""
    session = ClientSession(config, now=NOW, limits=limits)
    session.connect(now=NOW)
    return normal(session.snapshot)


def new_server(limits: Limits) -> ServerState:
    """Return a server session whose connection has just been made."""
    return ServerState(normal(ServerSession(PROTOCOL, now=NOW, limits=limits).snapshot))


def normal(s: Snapshot) -> Snapshot:
    """Return a snapshot without the times that differ from `NOW` although ``now`` never does."""
    if s.grace_until:
        s = s._replace(grace_until=NOW)
    if s.recovery.reopen_at:
        s = s._replace(recovery=s.recovery._replace(reopen_at=NOW))
    return s


def armed(s: Snapshot) -> tuple[Kind, ...]:
    """Return the timers that run."""
    return tuple(deadline.kind for deadline in timers.deadlines(s))


def attempt(verb: Callable[[], Outputs]) -> Outputs | None:
    """Return the outputs of a call, None where it is not legal now."""
    try:
        return verb()
    except LocalProtocolError:
        return None


def items(outputs: Outputs, sent: int) -> tuple[Output | Item, ...]:
    """Return outputs with the messages themselves in the place of `Transmit`, each with its position.

    ``sent`` is where the sender stands after all of them.
    """
    produced: list[Output | Item] = []
    at = sent
    for output in reversed(outputs):
        if not isinstance(output, Transmit):
            produced.append(output)
            continue
        message: Any = output.message
        if isinstance(message, Gap):
            at -= message.samples
            message = Skipped(message, at)
        elif isinstance(message, AudioSpan):
            at = message.start
        produced.append(message)
    return tuple(reversed(produced))
