"""The core's own messages under a dialect, and the monitors that check them: what a client hears is only a part."""

from dataclasses import dataclass, field, replace
from typing import Any

from auricle.core.dialect import Dialect
from auricle.core.messages import (
    Ack,
    Closed,
    Configured,
    ErrorMessage,
    Flushed,
    InputEnded,
    Message,
    Partial,
    Ready,
    SpeechEnd,
    SpeechStart,
    Start,
)
from auricle.core.messages import Final as FinalMessage
from auricle.core.outputs import Transmit
from auricle.core.testing.monitors import ClientMonitor, ServerMonitor, require
from auricle.core.testing.scenario import Scenario

EVENTS = (Ready, FinalMessage, Flushed, Configured, ErrorMessage, Partial, SpeechStart, SpeechEnd, Ack, InputEnded)


@dataclass
class Trace:
    """What one session said and heard, in messages of the core."""

    heard: list[Message] = field(default_factory=list)
    said: list[Message] = field(default_factory=list)

    @property
    def closed(self) -> Closed | None:
        return next((message for message in self.said if isinstance(message, Closed)), None)

    def check(self) -> None:
        """Raise `CheckFailure` where an ordering guarantee does not hold."""
        start = next((message for message in self.heard if isinstance(message, Start)), Start())
        server, client = ServerMonitor(Scenario(start=start)), ClientMonitor(Scenario(start=start))
        client._sent_bytes = 2**60  # what a client of another service has sent, no message says
        for message in self.said:
            server.sent(Transmit(frame="", message=message))
            if isinstance(message, Ack):  # there is no credit in these dialects, so nothing is held to it
                message = replace(message, credit=max(message.credit, message.received))
            if isinstance(message, EVENTS):
                client.emitted(message)
        closed = self.closed
        if closed is not None:
            require(self.said[-1] is closed, "O2: closed is the last message")
            stats = closed.stats
            require(
                not closed.complete or stats.committed == stats.processed == stats.received,
                f"O9: complete, but {stats}",
            )


@dataclass(frozen=True)
class ObservedDialect:
    """A dialect that also writes down the messages that pass through it."""

    inner: Any
    trace: Trace

    @property
    def legacy(self) -> bool:
        return bool(self.inner.legacy)

    def decode(self, frame: Any, s: Any) -> Any:
        inner, decoded = self.inner.decode(frame, s)
        self.trace.heard.extend(item.message for item in decoded)
        return ObservedDialect(inner, self.trace), decoded

    def encode(self, message: Message, s: Any) -> "tuple[Dialect, tuple[str | bytes, ...]]":
        self.trace.said.append(message)
        inner, frames = self.inner.encode(message, s)
        return ObservedDialect(inner, self.trace), frames

    def ending(self, code: int, reason: str) -> tuple[int, str]:
        ended: tuple[int, str] = self.inner.ending(code, reason)
        return ended

    def conclude(self, lost: Any, s: Any) -> Any:
        return self.inner.conclude(lost, s)
