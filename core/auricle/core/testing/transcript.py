"""`Transcript`: what was sent and received in a simulation, as readable lines and as JSON lines."""

import json
from collections.abc import Iterator
from typing import Final

from auricle.core.events import Event
from auricle.core.outputs import Frame, Transmit
from auricle.core.testing.event_queue import EventQueue

LONGEST: Final = 300
"""Longest readable line, in characters."""


class Transcript:
    """Records messages, events and notes; they are formatted only when `lines` or `json_lines` is called."""

    def __init__(self, event_queue: EventQueue) -> None:
        self._event_queue = event_queue
        self._entries: list[tuple[float, str, str, int, object]] = []
        self.kinds: set[str] = set()
        """Types of messages that were sent."""

    def note(self, who: str, what: str) -> None:
        """Record something that is no message."""
        self._entries.append((self._event_queue.now, who, "", 0, what))

    def event(self, who: str, event: Event) -> None:
        """Record an event."""
        self._entries.append((self._event_queue.now, who, "told", 0, event))

    def said(self, who: str, connection: int, output: Transmit) -> None:
        """Record a frame that is sent."""
        self.kinds.add(output.message.type)
        self._entries.append((self._event_queue.now, who, "says", connection, output.frame))

    def heard(self, who: str, connection: int, frame: Frame) -> None:
        """Record a frame that arrives."""
        self._entries.append((self._event_queue.now, who, "hears", connection, frame))

    def lines(self) -> Iterator[str]:
        """Yield one line for each record."""
        for time, who, verb, connection, what in self._entries:
            place = f" #{connection}" if connection else ""
            text = f"audio, {len(what)} bytes" if isinstance(what, bytes) else str(what)
            yield f"{time:12.3f} {who:>6}{place} {verb} {text}"[:LONGEST]

    def json_lines(self) -> Iterator[str]:
        """Return the frames, one JSON object for each that was sent or has come; audio as hexadecimal digits."""
        for time, who, verb, connection, what in self._entries:
            if connection:
                frame = {"audio": what.hex()} if isinstance(what, bytes) else {"text": what}
                yield json.dumps({"t": time, "who": who, "verb": verb, "connection": connection, **frame})
