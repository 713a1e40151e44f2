"""Voice without words in a final: outside its words, or inside one that the alignment makes too long.

Whisper leaves out the beginning of "hello, hello, hello, can you hear me" as easily as the end of a window. What is
left out is decoded as a window of its own and put where it was said. Source: notes/real-weights.md §2 E. And it may end
its text where a sentence ends and somebody pauses, though more is said: in a window that begins with context, all that
was to be told is left out then, and is decoded alone.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from auricle.engines.protocol import ENGINE_RATE, TimedWord, Transcript, Window
from auricle.engines.whisper.guards import is_too_long, voiced_between
from auricle.engines.whisper.hypothesis import UNCOVERED_S, text_of, told_from_s, uncovered, voiced_of

LEAD_S: Final = 0.1
"""A gap begins so long behind the end of the word before it: no sooner, or that word is told twice."""
ONSET_S: Final = 0.4
"""Pause that is heard before speech which is decoded alone, where there is so much: as before any utterance."""
SPOKEN_S: Final = 0.3
"""What a word that is too long keeps of its time, at its end."""


class Gap(NamedTuple):
    """A part of a window in which somebody speaks and no words are, in seconds from the window's first sample."""

    place: int
    """Index of the word in front of which it lies."""
    begin_s: float
    end_s: float


def gaps(words: Sequence[TimedWord], window: Window) -> list[Gap]:
    """Return the gaps between the words of a window, in order. A window without any words is none."""
    if not words:
        return []
    outside = [
        Gap(place, begin_s + LEAD_S if place else begin_s, end_s) for place, begin_s, end_s in uncovered(words, window)
    ]
    inside = [
        gap
        for place, word in enumerate(words)
        if is_too_long(voiced_of(word, window), word.confidence)
        and _is_voiced(gap := Gap(place, max(word.start_s, told_from_s(window)), word.end_s - SPOKEN_S), window)
    ]
    return sorted(outside + inside)


def _is_voiced(gap: Gap, window: Window) -> bool:
    return voiced_between(window.voiced or (), gap.begin_s, gap.end_s) >= UNCOVERED_S


def told_part(window: Window) -> Gap | None:
    """Return the part of a window that its transcript covers; None: all of it, for nothing in it is only context."""
    if window.told_after is None:
        return None
    paused_s, began_s = window.told_after
    # Voice that was too little to begin an utterance is a part of the one that followed.
    began_s = min([began_s, *(begin for begin, _ in window.voiced or () if begin > paused_s)])
    return Gap(0, max(min(paused_s + LEAD_S, began_s), began_s - ONSET_S), len(window.audio) / ENGINE_RATE)


def part_of(window: Window, gap: Gap) -> Window:
    """Return the window of a gap."""
    voiced = tuple(
        (max(0.0, begin - gap.begin_s), min(end, gap.end_s) - gap.begin_s)
        for begin, end in window.voiced or ()
        if end > gap.begin_s and begin < gap.end_s
    )
    begin, end = round(gap.begin_s * ENGINE_RATE), round(gap.end_s * ENGINE_RATE)
    return replace(
        window,
        audio=window.audio[begin:end],
        start_sample=window.start_sample + begin,
        features=None,
        voiced=voiced,
        told_after=None,
        context="",
    )


def filled(transcript: Transcript, gap: Gap, part: Transcript) -> Transcript:
    """Return the transcript of a window with the words of a gap, whose own transcript is ``part``."""
    inside = moved(part, gap).words
    before, behind = transcript.words[: gap.place], transcript.words[gap.place :]
    if behind:
        behind = (replace(behind[0], start_s=max(behind[0].start_s, gap.end_s)), *behind[1:])
    words = (*before, *inside, *behind)
    return replace(
        transcript,
        text=text_of(words, transcript.language or ""),
        words=words,
        confidence=min(transcript.confidence, part.confidence),
        avg_logprob=min(transcript.avg_logprob or 0.0, part.avg_logprob or 0.0),
    )


def moved(transcript: Transcript, gap: Gap) -> Transcript:
    """Return the transcript of a gap with its times in the window that it is a part of."""
    words = tuple(
        replace(word, start_s=word.start_s + gap.begin_s, end_s=word.end_s + gap.begin_s) for word in transcript.words
    )
    return replace(transcript, words=words)
