"""What an engine returned, checked before a session gets it: a library gone wrong must not pass for a transcript."""

import math
from collections.abc import Sequence

from auricle.engines.protocol import EngineError, TimedWord, Transcript


def checked(transcripts: object, windows: int) -> Sequence[Transcript]:
    """Return the transcripts of a call with so many windows. Raises `EngineError` for whatever is none."""
    if not isinstance(transcripts, Sequence) or not all(isinstance(one, Transcript) for one in transcripts):
        raise EngineError("The engine returned something else than transcripts.")
    if len(transcripts) != windows:
        raise EngineError("The engine returned too few or too many transcripts.")
    if not all(map(_is_sane, transcripts)):
        raise EngineError("The engine returned a transcript whose text, times or confidence are none.")
    return transcripts


def _is_sane(transcript: Transcript) -> bool:
    return (
        _is_unicode(transcript.text)
        and (transcript.language is None or _is_unicode(transcript.language))
        and _is_number(transcript.confidence)
        and 0.0 <= transcript.confidence <= 1.0
        and all(map(_is_timed, transcript.words))
    )


def _is_timed(word: object) -> bool:
    return (
        isinstance(word, TimedWord)
        and _is_unicode(word.text)
        and _is_number(word.start_s)
        and _is_number(word.end_s)
        and word.start_s <= word.end_s
    )


def _is_unicode(value: object) -> bool:
    """Whether it is text that can be told: no lone surrogates, which UTF-8 has no bytes for."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
