"""Words of a hypothesis with their times, from the cross-attention of the decoder (faster-whisper's `find_alignment`).

A word is what stands between two spaces of the text, so that text and words are one thing; in languages without spaces
it is what the tokenizer takes for a word.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from faster_whisper import WhisperModel
from faster_whisper.transcribe import merge_punctuations

from auricle.engines.protocol import ENGINE_RATE, TimedWord, Window
from auricle.engines.whisper.batches import select
from auricle.engines.whisper.hypothesis import UNSPACED, Hypothesis
from auricle.engines.whisper.log_mel import frame_at_or_after
from auricle.engines.whisper.window_length import FRAME_SAMPLES

PREPENDED: Final = "\"'“¿([{-"
APPENDED: Final = "\"'.。,，!！?？:：”)]}、"
"""Punctuation belongs to the word behind or before it; these are the marks OpenAI's Whisper names."""


def aligned(model: WhisperModel, members: Sequence[Hypothesis]) -> list[tuple[TimedWord, ...]]:
    """Return the words of hypotheses of one batch in one language; times count from the begin of their windows."""
    pieces = model.find_alignment(
        members[0].tokenizer,
        [list(one.tokens) for one in members],
        select(members[0].batch.encoded, [one.row for one in members]),
        # Padding is masked by the number of frames.
        [min(one.job.frames, frame_at_or_after(len(one.job.window.audio))) for one in members],
    )
    return [
        _timed_words(one.job.window, words, one.tokenizer.language_code)
        for one, words in zip(members, pieces, strict=True)
    ]


def _timed_words(window: Window, pieces: list[dict[str, Any]], language: str) -> tuple[TimedWord, ...]:
    merge_punctuations(pieces, PREPENDED, APPENDED)
    # Features begin on the grid of frames, which may be a little later than the audio.
    late = 0.0 if window.features is None else -window.start_sample % FRAME_SAMPLES / ENGINE_RATE
    spaced = language not in UNSPACED
    words: list[TimedWord] = []
    for group in _groups(pieces) if spaced else ([piece] for piece in pieces):
        text = "".join(piece["word"] for piece in group).strip()
        if not text:
            continue
        # One piece may be split at a space inside it only where the tokenizer put two words into one token.
        words.append(
            TimedWord(
                text=" ".join(text.split()) if not spaced else text,
                start_s=float(group[0]["start"]) + late,
                end_s=float(group[-1]["end"]) + late,
                confidence=float(sum(piece["probability"] for piece in group) / len(group)),
            )
        )
    return tuple(words)


def _groups(pieces: Iterable[dict[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    """Group what no space parts: "$5" and ",000" are one word of the text."""
    group: list[dict[str, Any]] = []
    for piece in pieces:
        if not piece["word"]:
            continue
        if group and piece["word"].startswith(" "):
            yield group
            group = []
        group.append(piece)
    if group:
        yield group
