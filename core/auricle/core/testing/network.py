"""A simulated network: connections under virtual time, with delay, stalls, cuts, resets and half-open ends.

What TCP guarantees holds (order, and no loss while the connection lives); what it does not guarantee happens:
one end may learn of a loss long after the other; a socket that is closed with unread data resets the connection, and a
reset wipes what its receiver has not read yet (failure mode of uvicorn #3047); a receiver that does not read fills a
bounded buffer and blocks the writer.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import NamedTuple, Protocol

from auricle.core.errors import ABNORMAL_CLOSURE
from auricle.core.outputs import Frame
from auricle.core.stimuli import LossKind
from auricle.core.testing.event_queue import EventQueue


class Closing(NamedTuple):
    """A Close frame."""

    code: int
    reason: str = ""


class Fin(NamedTuple):
    """The end of a byte stream without a Close frame."""


Item = Frame | Closing | Fin


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """How a network carries one direction of a connection. Times in seconds, sizes in bytes."""

    latency_s: float = 0.02
    jitter_s: float = 0.0
    """Largest random delay added to an item; the order of items never changes."""
    batch_s: float = 0.0
    """Items arrive together at multiples of this; 0: each by itself."""
    buffer_bytes: int = 65_536
    """Bytes that fit between writer and reader, in both sockets and on the way."""


class Owner(Protocol):
    """The user of an end of a connection."""

    def heard(self, frame: Frame) -> None:
        """A frame has been read."""

    def emptied(self) -> None:
        """Everything before the Close frame has been written."""

    def lost(self, how: LossKind, code: int, reason: str) -> None:
        """The connection has ended."""


class _Pipe:
    """One direction: the writer's queue, the wire, and what the reader has not read."""

    def __init__(self, event_queue: EventQueue, path: Path, random: Random) -> None:
        self.event_queue, self.path, self.random = event_queue, path, random
        self.queue: deque[Item] = deque()
        """Items that have not been written for want of room."""
        self.wire: deque[tuple[float, Item]] = deque()
        self.unread: deque[Item] = deque()
        self.inside = 0
        """Bytes on the wire or unread."""
        self.queued = self.most_queued = 0
        """Bytes that wait to be written, and the most that ever did."""
        self.dead = False
        """Nothing arrives any more, and the writer does not learn so."""
        self.held_until = 0.0
        self.blocked_since: float | None = None
        self.arrived: Callable[[], None] = lambda: None
        self.blocked: Callable[[], None] = lambda: None
        self.emptied: Callable[[], None] = lambda: None
        self._last = 0.0

    def put(self, item: Item) -> None:
        self.queue.append(item)
        self.queued += _size(item)
        self.push()
        self.most_queued = max(self.most_queued, self.queued)

    def push(self) -> None:
        """Write as many items as there is room for."""
        while self.queue:
            size = _size(self.queue[0])
            if self.inside and self.inside + size > self.path.buffer_bytes:
                if self.blocked_since is None:
                    self.blocked_since = self.event_queue.now
                    self.blocked()
                return
            self.blocked_since = None
            self.inside += size
            self.queued -= size
            item = self.queue.popleft()
            self._carry(item)
            if isinstance(item, Closing):
                self.emptied()

    def _carry(self, item: Item) -> None:
        path, now = self.path, self.event_queue.now
        arrival = now + path.latency_s + (self.random.random() * path.jitter_s if path.jitter_s else 0.0)
        if path.batch_s:
            arrival = (arrival // path.batch_s + 1) * path.batch_s
        self._last = max(self._last, arrival)
        self.wire.append((self._last, item))
        self.event_queue.at(self._last, self._arrive)

    def _arrive(self) -> None:
        if self.dead:
            return
        now = self.event_queue.now
        if now < self.held_until:
            self.event_queue.at(self.held_until, self._arrive)
            return
        moved = False
        while self.wire and self.wire[0][0] <= now:
            self.unread.append(self.wire.popleft()[1])
            moved = True
        if moved:
            self.arrived()

    def read(self) -> Item:
        item = self.unread.popleft()
        self.inside -= _size(item)
        self.push()
        return item

    def drop(self) -> None:
        """Discard what has not been written."""
        self.queue.clear()
        self.queued = 0

    def wipe(self) -> None:
        """Discard everything, also what is on its way or unread."""
        self.drop()
        self.wire.clear()
        self.unread.clear()
        self.inside = 0


def _size(item: Item) -> int:
    return len(item) + 14 if isinstance(item, str | bytes) else 8


class End:
    """One end of a connection: `send`, `close`, `abort`, and callbacks to its `Owner`."""

    def __init__(self, connection: "Connection", incoming: _Pipe, outgoing: _Pipe, write_stall_s: float) -> None:
        self.connection = connection
        self.owner: Owner | None = None
        self.over = False
        """Whether nothing is sent or received here any more."""
        self.said_close = False
        self._in, self._out = incoming, outgoing
        self._write_stall_s = write_stall_s
        self._reads_from = 0.0
        self._reading = False
        incoming.arrived = self._arrived
        outgoing.blocked = self._blocked
        outgoing.emptied = self._emptied

    @property
    def event_queue(self) -> EventQueue:
        return self._in.event_queue

    @property
    def most_queued(self) -> int:
        """The most bytes that have waited for the socket at once."""
        return self._out.most_queued

    def send(self, frame: Frame) -> None:
        """Send a frame, behind those before it."""
        if not self.over and not self.said_close:
            self._out.put(frame)

    def close(self, code: int, reason: str) -> None:
        """Send what is queued, then a Close frame; go on reading until the peer's."""
        if not self.over and not self.said_close:
            self.said_close = True
            self._out.put(Closing(code, reason))

    def abort(self) -> None:
        """Close the socket: with a reset where data is unread, with the end of the stream otherwise."""
        if self.over:
            return
        self.over = True
        self._out.drop()
        if self._in.inside:
            self._reset_peer()
        else:
            self._out.put(Fin())
        self._in.arrived = self._reset_peer  # "data for a closed socket is answered with a reset"

    def break_off(self, how: LossKind = "reset") -> None:
        """Report the connection as lost; unread data is discarded."""
        if not self.over:
            self.over = True
            self._in.wipe()
            self._out.wipe()
            self._tell(how, ABNORMAL_CLOSURE, "")

    def read_nothing(self, seconds: float) -> None:
        """Read nothing for ``seconds``."""
        self._reads_from = max(self._reads_from, self.event_queue.now + seconds)
        self.event_queue.at(self._reads_from, self._arrived)

    def read_on(self) -> None:
        """Read what has arrived."""
        self._arrived()

    def _arrived(self) -> None:
        if self._reading:
            return
        self._reading = True
        try:
            while self._in.unread and not self.over and self.event_queue.now >= self._reads_from:
                if self.owner is None or self.connection.is_asleep(self):
                    return
                self._take(self._in.read())
        finally:
            self._reading = False

    def _take(self, item: Item) -> None:
        assert self.owner is not None
        if isinstance(item, Closing):
            if not self.said_close:
                # RFC 6455 §5.5.1: a Close frame is answered; what was still queued here can no longer be sent.
                self._out.drop()
                self._out.put(item)
            self.over = True
            self._tell("eof", item.code, item.reason)
        elif isinstance(item, Fin):
            self.over = True
            self._tell("reset", ABNORMAL_CLOSURE, "")
        else:
            self.owner.heard(item)

    def _tell(self, how: LossKind, code: int, reason: str) -> None:
        if self.owner is not None:
            self.owner.lost(how, code, reason)

    def _reset_peer(self) -> None:
        peer = self.connection.other(self)
        if not self._out.dead:
            self.event_queue.after(self._out.path.latency_s, peer.break_off)

    def _emptied(self) -> None:
        if self.said_close and self.owner is not None:
            self.owner.emptied()

    def _blocked(self) -> None:
        since = self.event_queue.now
        self.event_queue.after(self._write_stall_s, lambda: self._stalled(since))

    def _stalled(self, since: float) -> None:
        if not self.over and self._out.blocked_since == since:
            # "A cancelled or timed-out write kills the transport" (driver rule 5).
            self._tell("stalled", ABNORMAL_CLOSURE, "")
            self.abort()


class Connection:
    """Two ends of a connection, and the faults that may occur between them."""

    def __init__(
        self, number: int, event_queue: EventQueue, up: Path, down: Path, random: Random, write_stall_s: float
    ) -> None:
        self.number = number
        self._event_queue = event_queue
        upward, downward = _Pipe(event_queue, up, random), _Pipe(event_queue, down, random)
        self.client = End(self, downward, upward, write_stall_s)
        self.server = End(self, upward, downward, write_stall_s)
        self.is_asleep: Callable[[End], bool] = lambda _: False
        """Whether the loop that reads at an end is blocked."""

    def other(self, end: End) -> End:
        """The end that is not this one."""
        return self.server if end is self.client else self.client

    def cut(self, client_learns_s: float | None, server_learns_s: float | None) -> None:
        """Deliver nothing any more. Each end learns of it after so many seconds; None: only by its own timers."""
        for end, learns_s in ((self.client, client_learns_s), (self.server, server_learns_s)):
            end._in.dead = True
            if learns_s is not None:
                self._event_queue.after(learns_s, end.break_off)

    def hold_back(self, seconds: float, *, up: bool, down: bool) -> None:
        """Deliver nothing for ``seconds``, and then everything."""
        until = self._event_queue.now + seconds
        for end, held in ((self.server, up), (self.client, down)):
            if held:
                end._in.held_until = max(end._in.held_until, until)
