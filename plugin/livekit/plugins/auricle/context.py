"""What was said before, as a prompt: it helps a recogniser with names and with who answers what."""

from collections import deque
from typing import Final

from livekit.agents.llm import ChatMessage

MAX_ITEMS: Final = 4
MAX_CHARACTERS: Final = 400
"""Enough for names; a recogniser reads only the end of a long prompt anyway."""


class Context:
    """The last turns of a conversation, cut to what a prompt may hold."""

    def __init__(self) -> None:
        self._said: deque[str] = deque(maxlen=MAX_ITEMS)

    def add(self, item: object) -> str | None:
        """Take note of a turn and return the prompt; None where it changes nothing."""
        text = item.text_content if isinstance(item, ChatMessage) and item.role in ("user", "assistant") else None
        if not text or not text.strip():
            return None
        self._said.append(" ".join(text.split()))
        return _end_of(" ".join(self._said))


def _end_of(text: str) -> str:
    """Return the end of a text, from the beginning of a word."""
    if len(text) <= MAX_CHARACTERS:
        return text
    return text[-MAX_CHARACTERS:].partition(" ")[2]
