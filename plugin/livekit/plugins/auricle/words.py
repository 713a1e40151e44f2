"""Words of a transcript, as the framework wants them."""

from livekit.agents.types import TimedString

from auricle.core import Word


def has_words(text: str) -> bool:
    """Whether a text says anything: a lone full stop is not worth an answer."""
    return any(character.isalnum() for character in text)


def timed(word: Word, offset_s: float) -> TimedString:
    """Return a word with its times, ``offset_s`` later than the server has them."""
    return TimedString(
        word.text,
        start_time=offset_s + word.start,
        end_time=offset_s + word.end,
        confidence=word.confidence or 0.0,
        start_time_offset=offset_s,
    )
