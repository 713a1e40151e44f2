"""Times of words, without the silence that the alignment adds to them.

Alignments lead from word to word without a gap, so that a word has the pause beside it too: "Americans, | ask" gives
"ask" the whole second in between. Voice detection knows better where a word that stands at a pause begins and ends.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from auricle.engines.protocol import TimedWord, Transcript, Window

LEAST_VOICE_S: Final = 0.05
"""A word with less voice than this keeps the times of its alignment."""
PAUSE_S: Final = 0.25
"""No word has so long a silence in it: with voice on both sides of one, it was said where it has most."""

Span = tuple[float, float]


def without_silence(transcript: Transcript, window: Window) -> Transcript:
    """Return the transcript of a window whose words begin and end where voice does. Their order stays."""
    if not window.voiced:
        return transcript
    return replace(transcript, words=tuple(_trimmed(word, window.voiced) for word in transcript.words))


def _trimmed(word: TimedWord, voiced: Sequence[Span]) -> TimedWord:
    spoken = max(_between_pauses(word, voiced), key=_seconds, default=[])
    if _seconds(spoken) < LEAST_VOICE_S:
        return word
    return replace(word, start_s=spoken[0][0], end_s=spoken[-1][1])


def _between_pauses(word: TimedWord, voiced: Sequence[Span]) -> list[list[Span]]:
    """Return the voice inside a word, parted at pauses."""
    parts: list[list[Span]] = []
    for begin, end in voiced:
        if begin >= word.end_s or end <= word.start_s:
            continue
        if not parts or begin - parts[-1][-1][1] >= PAUSE_S:
            parts.append([])
        parts[-1].append((max(begin, word.start_s), min(end, word.end_s)))
    return parts


def _seconds(spans: Sequence[Span]) -> float:
    return sum(end - begin for begin, end in spans)
