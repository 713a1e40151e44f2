"""`Draft`: the next snapshot while effects write it. `step` returns it whole, or drops it whole."""

from collections.abc import Mapping
from typing import Any, Final

from auricle.core.errors import Breach
from auricle.core.events import Accounting, Event
from auricle.core.messages import Durable, Message
from auricle.core.outputs import AudioSpan, CloseTransport, Emit, RawOutput, Record, Send
from auricle.core.rules import attachment
from auricle.core.snapshot import Snapshot
from auricle.core.states import AttachmentEvent

_INDEX: Final[Mapping[str, int]] = {name: index for index, name in enumerate(Snapshot._fields)}


class Draft:
    """The next snapshot and the outputs so far. ``now`` is seconds on the session's monotonic clock."""

    __slots__ = ("now", "outputs", "s")

    def __init__(self, snapshot: Snapshot, now: float) -> None:
        self.s = snapshot
        self.now = now
        self.outputs: list[RawOutput] = []

    def update(self, **fields: Any) -> None:
        """Replace fields of the snapshot."""
        # What `_replace` does, at a third of its price: that one looks at every field in turn, each time.
        values: list[Any] = list(self.s)
        for name, value in fields.items():
            values[_INDEX[name]] = value
        self.s = tuple.__new__(Snapshot, values)

    def recover(self, **fields: Any) -> None:
        """Replace fields of the snapshot's `Recovery`."""
        self.update(recovery=self.s.recovery._replace(**fields))

    def attach(self, event: AttachmentEvent) -> None:
        """Move the attachment, as its table says. Raises `AssertionError` for an event that is barred there."""
        self.update(attachment=attachment.moved(self.s.role, self.s.attachment, event))

    def send(self, message: Message | AudioSpan) -> None:
        """Send a message. A durable one must have the next ``seq`` (O1); without a transport it only enters the record.

        "Ephemeral ones are never replayed": without a transport they are dropped.
        """
        if isinstance(message, Durable):
            self.count(message.seq)
            if not self.s.attached:
                self.outputs.append(Record(message=message))
        if self.s.attached:
            self.outputs.append(Send(message=message))
        self.update(said_at=self.now)

    def count(self, seq: int) -> None:
        """O1: ``seq`` starts at 1 and has no gaps."""
        if seq != self.s.seq + 1:
            raise Breach("protocol_violation", f"O1: expected seq {self.s.seq + 1}, not {seq}")
        self.update(seq=seq)

    def emit(self, event: Event) -> None:
        """Hand an event to the application."""
        self.outputs.append(Emit(event=event))

    def close_transport(self, code: int, reason: str) -> None:
        """Start the closing handshake where a transport is attached; the close timer runs from now."""
        self.update(closed_at=self.now, emptied=False)
        if self.s.attached:
            # RFC 6455 §5.5: a control frame carries at most 125 bytes, two of them the code.
            self.outputs.append(CloseTransport(code=code, reason=reason.encode()[:123].decode(errors="ignore")))

    def accounting(self) -> Accounting:
        """Return the sample counts of the session, those of its lost predecessors included."""
        s = self.s
        return Accounting(
            offered=s.offered,
            sent=s.sent,
            received=s.received,
            processed=s.processed,
            committed=s.committed,
            non_speech=s.non_speech + s.past.non_speech,
            gap=s.gap + s.past.gap,
            dropped=s.dropped + s.past.dropped,
            late=s.late + s.past.late,
            segments=s.segment,
            words=s.words,
        )
