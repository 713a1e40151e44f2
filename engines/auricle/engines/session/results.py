"""What an engine heard, told in the session's own terms: seconds of session time, honest numbers, kept promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from auricle.core.parts import FinalReason
from auricle.engines.protocol import FinalResult, PartialResult, TimedWord, Transcript
from auricle.engines.session.stable_prefix import keep_stable_prefix


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """An utterance on the session's clock, in seconds."""

    heard_from_s: float
    """Where the audio begins that the engine was given: its times count from here."""
    begin_s: float
    """Nothing of the utterance lies before this …"""
    end_s: float
    """… nor behind this."""
    speech_begin_s: float
    speech_end_s: float

    def clip(self, seconds: float) -> float:
        """Return ``seconds`` moved into the utterance; what is not a number becomes its beginning."""
        if not isfinite(seconds):
            return self.begin_s
        return min(max(seconds, self.begin_s), self.end_s)


def place_words(words: Sequence[TimedWord], extent: Extent) -> tuple[TimedWord, ...]:
    """Return the words in session time, inside the utterance, none beginning before the one before it has ended."""
    placed: list[TimedWord] = []
    earliest = extent.begin_s
    for word in words:
        start = max(earliest, extent.clip(extent.heard_from_s + word.start_s))
        end = max(start, extent.clip(extent.heard_from_s + word.end_s))
        confidence = None if word.confidence is None else probability(word.confidence)
        placed.append(TimedWord(text=word.text, start_s=start, end_s=end, confidence=confidence))
        earliest = end
    return tuple(placed)


def probability(value: float) -> float:
    """Return ``value`` in [0, 1]; what is not a number becomes 0."""
    return min(max(value, 0.0), 1.0) if isfinite(value) else 0.0


def _log_probability(value: float | None) -> float | None:
    return min(value, 0.0) if value is not None and isfinite(value) else None


def spoken(words: Sequence[TimedWord], extent: Extent) -> tuple[float, float]:
    """Return when the first word starts and the last one ends; without words, when the voice does."""
    if words:
        return words[0].start_s, words[-1].end_s
    start = extent.clip(extent.speech_begin_s)
    return start, max(start, extent.clip(extent.speech_end_s))


def final_of(
    transcript: Transcript, extent: Extent, *, promised: str, end_sample: int, reason: FinalReason
) -> FinalResult:
    """Return the final for ``transcript``; ``promised`` is what partials have said to be stable."""
    words = place_words(transcript.words, extent)
    start, end = spoken(words, extent)
    return FinalResult(
        end_sample=end_sample,
        text=keep_stable_prefix(promised, transcript.text.strip()),
        start_s=start,
        end_s=end,
        confidence=probability(transcript.confidence),
        reason=reason,
        words=words,
        language=transcript.language,
        avg_logprob=_log_probability(transcript.avg_logprob),
        no_speech_prob=None if transcript.no_speech_prob is None else probability(transcript.no_speech_prob),
    )


def partial_of(transcript: Transcript, extent: Extent, *, promised: str) -> PartialResult:
    """Return the partial for ``transcript``; ``promised`` is what earlier partials have said to be stable."""
    words = place_words(transcript.words, extent)
    start, end = spoken(words, extent)
    said = transcript.text.strip()
    text = keep_stable_prefix(promised, said)
    # Where the engine went back on its word its new promise counts for nothing.
    stable = min(max(transcript.stable, len(promised)), len(text)) if text == said else len(promised)
    return PartialResult(
        text=text,
        start_s=start,
        end_s=end,
        stable=stable,
        confidence=probability(transcript.confidence),
        words=words,
        language=transcript.language,
    )
