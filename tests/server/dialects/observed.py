"""The core's own messages under a dialect, and the monitors that check them: what a client hears is only a part."""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from auricle.core.dialect import Dialect
from auricle.core.messages import (
    Ack,
    Closed,
    Configure,
    Configured,
    Durable,
    ErrorMessage,
    Flush,
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
    heard_in_time: int = 0
    """Messages that came before the session had closed."""

    @property
    def closed(self) -> Closed | None:
        return next((message for message in self.said if isinstance(message, Closed)), None)

    def check(self) -> None:
        """Raise `CheckFailure` where an ordering guarantee does not hold."""
        start = next((message for message in self.heard if isinstance(message, Start)), Start())
        server, client = ServerMonitor(Scenario(start=start)), ClientMonitor(Scenario(start=start))
        client._sent_bytes = 2**60  # what a client of another service has sent, no message says
        said = _without_last_words(self.said)
        for message in said:
            server.sent(Transmit(frame="", message=message))
            if isinstance(message, Ack):  # there is no credit in these dialects, so nothing is held to it
                message = replace(message, credit=max(message.credit, message.received))
            if isinstance(message, EVENTS):
                client.emitted(message)
        if self.closed is not None:
            require(said[-1] is self.closed, "O2: closed is the last message")
            self._check_end(self.closed, said, client)

    def _check_end(self, closed: Closed, said: list[Message], client: ClientMonitor) -> None:
        fatal = [message for message in said if isinstance(message, ErrorMessage) and message.fatal]
        if fatal:
            require(said[-2] is fatal[-1] and len(fatal) == 1, f"O10: {fatal}, and not right before closed")
            require(not closed.complete, f"O10: complete, in spite of {fatal}")
        if closed.reason != "completed":
            return
        stats = closed.stats
        require(stats.committed == stats.processed == stats.received, f"O9: completed, but {stats}")
        asked = [message.id for message in self.heard[: self.heard_in_time] if isinstance(message, Flush | Configure)]
        require(sorted(client.answered) == sorted(asked), f"O6: asked {asked}, answered {client.answered}")
        kinds = [message.type for message in said]
        require(kinds.count("speech_start") == kinds.count("speech_end"), "O9: speech without its end")
        require(kinds.count("input_ended") <= 1, "O8: the end of the input is told once")
        require("speech_start" not in kinds[kinds.index("closed") :], "O8: speech behind the end")


def _without_last_words(said: list[Message]) -> list[Message]:
    """What the session said, and not what its transport did because of the client's offence: that takes no number."""
    durable = [message for message in said if isinstance(message, Durable)]
    taken = {id(one) for one, other in pairwise(durable) if isinstance(one, ErrorMessage) and one.seq == other.seq}
    return [message for message in said if id(message) not in taken]


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
        if isinstance(message, Closed):
            self.trace.heard_in_time = len(self.trace.heard)
        inner, frames = self.inner.encode(message, s)
        return ObservedDialect(inner, self.trace), frames

    def ending(self, code: int, reason: str) -> tuple[int, str]:
        ended: tuple[int, str] = self.inner.ending(code, reason)
        return ended

    def conclude(self, lost: Any, s: Any) -> Any:
        return self.inner.conclude(lost, s)
