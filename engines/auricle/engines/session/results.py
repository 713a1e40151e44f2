"""From an engine's transcript to the results of a session: session time, valid numbers, and the stable prefix kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

from auricle.core.parts import FinalReason
from auricle.engines.policy.stable_prefix import with_stable_prefix
from auricle.engines.protocol import FinalResult, PartialResult, TimedWord, Transcript
from auricle.engines.session.stable_prefix import keep_stable_prefix


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Where an utterance lies, in seconds of session time."""

    audio_begin_s: float
    """Where the audio begins that the engine was given: the times in its transcript count from here."""
    begin_s: float
    """Lower bound for every time in the result."""
    end_s: float
    """Upper bound for every time in the result."""
    speech_begin_s: float
    """Where the detected speech begins."""
    speech_end_s: float
    """Where the detected speech ends."""

    def clip(self, seconds: float) -> float:
        """Return ``seconds`` clipped to the utterance; NaN and infinity become its beginning."""
        if not isfinite(seconds):
            return self.begin_s
        return min(max(seconds, self.begin_s), self.end_s)


def place_words(words: Sequence[TimedWord], extent: Extent) -> tuple[TimedWord, ...]:
    """Return the words in session time, within the utterance, none beginning before the one before it has ended."""
    placed: list[TimedWord] = []
    earliest = extent.begin_s
    for word in words:
        start = max(earliest, extent.clip(extent.audio_begin_s + word.start_s))
        end = max(start, extent.clip(extent.audio_begin_s + word.end_s))
        confidence = None if word.confidence is None else probability(word.confidence)
        placed.append(TimedWord(text=word.text, start_s=start, end_s=end, confidence=confidence))
        earliest = end
    return tuple(placed)


def words_of(text: str, transcript: Transcript, stable_prefix: str) -> tuple[TimedWord, ...]:
    """Return the words that ``text`` consists of, which begins with the stable prefix; none where they are not known.

    Text and words are one thing: what the engine says else of words is not told.
    """
    for words in (transcript.words, with_stable_prefix(transcript, stable_prefix.split()).words):
        if _letters(word.text for word in words) == _letters((text,)):
            return words
    return ()


def _letters(texts: Iterable[str]) -> str:
    """Return texts without their spaces, which not every language has between words."""
    return "".join("".join(text.split()) for text in texts)


def probability(value: float) -> float:
    """Return ``value`` clipped to [0, 1]; NaN and infinity become 0."""
    return min(max(value, 0.0), 1.0) if isfinite(value) else 0.0


def _log_probability(value: float | None) -> float | None:
    return min(value, 0.0) if value is not None and isfinite(value) else None


def speech_span(words: Sequence[TimedWord], extent: Extent) -> tuple[float, float]:
    """Return where the first word begins and the last one ends; without words, where the detected speech does."""
    if words:
        return words[0].start_s, words[-1].end_s
    start = extent.clip(extent.speech_begin_s)
    return start, max(start, extent.clip(extent.speech_end_s))


def final_of(
    transcript: Transcript, extent: Extent, *, stable_prefix: str, end_sample: int, reason: FinalReason
) -> FinalResult:
    """Return the final for ``transcript``.

    ``stable_prefix`` is the text that partials have marked as stable; ``end_sample`` is the session sample up to which
    the final accounts for the audio.
    """
    text = keep_stable_prefix(stable_prefix, transcript.text.strip())
    words = place_words(words_of(text, transcript, stable_prefix), extent)
    start, end = speech_span(words, extent)
    return FinalResult(
        end_sample=end_sample,
        text=text,
        start_s=start,
        end_s=end,
        confidence=probability(transcript.confidence),
        reason=reason,
        words=words,
        language=transcript.language,
        avg_logprob=_log_probability(transcript.avg_logprob),
        no_speech_prob=None if transcript.no_speech_prob is None else probability(transcript.no_speech_prob),
        doubtful=not transcript.believed,
    )


def partial_of(transcript: Transcript, extent: Extent, *, stable_prefix: str) -> PartialResult:
    """Return the partial for ``transcript``; ``stable_prefix`` is what earlier partials have marked as stable."""
    hypothesis = transcript.text.strip()
    text = keep_stable_prefix(stable_prefix, hypothesis)
    words = place_words(words_of(text, transcript, stable_prefix), extent)
    start, end = speech_span(words, extent)
    # Where the engine has revised stable text, what it now calls stable is ignored.
    stable = min(max(transcript.stable, len(stable_prefix)), len(text)) if text == hypothesis else len(stable_prefix)
    return PartialResult(
        text=text,
        start_s=start,
        end_s=end,
        stable=stable,
        confidence=probability(transcript.confidence),
        words=words,
        language=transcript.language,
    )
