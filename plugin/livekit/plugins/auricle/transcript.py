"""Texts and words of a transcript, converted to the framework's types."""

from livekit.agents.types import TimedString

from auricle.core import Word


def has_words(text: str) -> bool:
    """Return whether a text holds a letter or a digit: punctuation alone must not start a turn."""
    return any(character.isalnum() for character in text)


def timed_string(word: Word, offset_s: float) -> TimedString:
    """Return a word as a `TimedString`, with ``offset_s`` seconds added to its times."""
    return TimedString(
        word.text,
        start_time=offset_s + word.start,
        end_time=offset_s + word.end,
        confidence=word.confidence or 0.0,
        start_time_offset=offset_s,
    )
