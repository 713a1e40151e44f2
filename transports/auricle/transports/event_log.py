"""The stream of events between a driver, which must not block, and an application, which may."""

from collections import deque
from collections.abc import Callable

from auricle.core import Ack, ClientEvent, Partial, SessionClosed


class EventLog:
    """Events in order until the terminal one. Bounded by credit: a server may only say so much about so much audio.

    A partial or an ack that the application has not taken yet is replaced by its successor: a slow reader sees fewer
    of them, and never misses anything durable.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._events: deque[ClientEvent] = deque()
        self._wake = wake
        self.ended = False
        """Whether the terminal event has been taken."""

    def put(self, event: ClientEvent) -> None:
        """Add an event; an untaken one that it supersedes gives way."""
        last = self._events[-1] if self._events else None
        match last, event:
            case (Partial(segment=old), Partial(segment=new)) if old == new:
                self._events[-1] = event
            case (Ack(), Ack()):
                self._events[-1] = event
            case _:
                self._events.append(event)
        self._wake()

    def take(self) -> ClientEvent | None:
        """Return the next event, None when there is none now."""
        if not self._events:
            return None
        event = self._events.popleft()
        self.ended = isinstance(event, SessionClosed)
        return event
