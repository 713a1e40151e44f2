"""The queue of events between a driver, which must not block, and an application, which may be slow."""

from collections import deque
from collections.abc import Callable

from auricle.core import Ack, ClientEvent, Partial


class EventLog:
    """Events in order, up to the terminal one. Its size is bounded by credit: results are bounded by the audio sent.

    A partial or an ack that has not been taken yet is replaced by its successor: a slow application gets fewer of
    them, and all durable events. ``wake`` is called after every `put`.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._events: deque[ClientEvent] = deque()
        self._wake = wake

    def put(self, event: ClientEvent) -> None:
        """Append an event, or replace the last one where it supersedes it."""
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
        """Return the next event, or None when the log is empty."""
        return self._events.popleft() if self._events else None
