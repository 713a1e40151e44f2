"""The last turns of the conversation as a prompt: it helps a recogniser with names, and with answers to questions."""

from collections import deque
from typing import Final

from livekit.agents.llm import ChatMessage

MAX_TURNS: Final = 4
MAX_CHARACTERS: Final = 400
"""Enough for names; a recogniser reads only the end of a long prompt anyway."""


class ChatContextPrompt:
    """A prompt of the last `MAX_TURNS` turns of user and assistant, of at most `MAX_CHARACTERS`."""

    def __init__(self) -> None:
        self._turns: deque[str] = deque(maxlen=MAX_TURNS)

    def add(self, item: object) -> str | None:
        """Add an item of the conversation and return the new prompt; None where the item does not change it."""
        text = item.text_content if isinstance(item, ChatMessage) and item.role in ("user", "assistant") else None
        if not text or not text.strip():
            return None
        self._turns.append(" ".join(text.split()))
        return _last_characters(" ".join(self._turns))


def _last_characters(text: str) -> str:
    """Return the end of a text, from the beginning of a word."""
    if len(text) <= MAX_CHARACTERS:
        return text
    return text[-MAX_CHARACTERS:].partition(" ")[2]
