"""`MessageRecord`: the durable messages of a server session, retained for replay after a resume."""

from collections import deque
from collections.abc import Iterator

from auricle.core.messages import Durable


class MessageRecord:
    """Durable messages in order of ``seq``. Holds at most ``most``; beyond that the oldest are dropped."""

    def __init__(self, most: int) -> None:
        self._messages: deque[Durable] = deque(maxlen=most)

    def __len__(self) -> int:
        """Messages held."""
        return len(self._messages)

    def add(self, message: Durable) -> None:
        """Append the next message; drops the oldest where the record is full."""
        self._messages.append(message)

    def reaches(self, seq: int) -> bool:
        """Whether everything after ``seq`` is still held."""
        return not self._messages or self._messages[0].seq <= seq + 1

    def after(self, seq: int) -> Iterator[Durable]:
        """Return every message with a greater ``seq``, in order."""
        return (message for message in self._messages if message.seq > seq)

    def forget(self, seq: int) -> None:
        """Drop every message up to ``seq``."""
        while self._messages and self._messages[0].seq <= seq:
            self._messages.popleft()
