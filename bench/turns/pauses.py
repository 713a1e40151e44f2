"""The pauses of real speech: where the voice detector hears none, inside a sentence and behind it.

A pause behind a word that ends a sentence (``.``, ``?`` or ``!`` in the text) could be the end of a turn; every other
one is a breath. The end of a clip is the end of a turn where its text ends a sentence: many clips of a read book end
at a comma, and there somebody stops who has not finished: no detector should take that for an end, and nobody should be
left waiting for ever.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from words.samples import Sample

from auricle.engines.audio.silero_vad import SileroModel
from auricle.engines.audio.vad_thresholds import SILENCE_THRESHOLD
from auricle.engines.protocol import BLOCK, ENGINE_RATE, Samples

Kind = Literal["breath", "end", "stop"]
"""Inside a sentence, behind one, or where somebody stops in mid-sentence."""
SHORTEST = 4
"""Blocks of silence that are a pause: 128 ms. A detector is asked no sooner."""
TAIL_S = 0.5
"""Silence put behind a clip."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pause:
    """One pause. ``audio`` is all before it, and `SHORTEST` blocks of it."""

    clip: str
    audio: Samples
    seconds: float | None
    """How long it is; None: nobody speaks any more."""
    kind: Kind


def pauses_of(sample: Sample, model: SileroModel) -> Iterator[Pause]:
    """Yield the pauses of a clip, in order. Such as lie behind the end of a sentence and before another are left out:
    whether the speaker's turn is over there is a matter of taste.
    """
    clip = sample.clip
    samples = np.concatenate((clip.samples, np.zeros(round(TAIL_S * ENGINE_RATE), np.float32)))
    blocks = samples[: len(samples) // BLOCK * BLOCK].reshape(-1, BLOCK)
    voiced = np.asarray(model.detector()(blocks)) >= SILENCE_THRESHOLD
    spoken = np.flatnonzero(voiced)
    if not len(spoken):
        return
    sentence_ends = list(_sentence_ends(sample))
    last = int(spoken[-1])
    for before, after in pairwise(spoken):
        length = int(after - before) - 1
        begin_s, seconds = (before + 1) * BLOCK / ENGINE_RATE, length * BLOCK / ENGINE_RATE
        if length >= SHORTEST and not any(abs(begin_s - end_s) < seconds for end_s in sentence_ends):
            audio = samples[: (before + 1 + SHORTEST) * BLOCK]
            yield Pause(clip=clip.name, audio=audio, seconds=seconds, kind="breath")
    kind: Kind = "end" if clip.text.rstrip("\"' ").endswith((".", "?", "!")) else "stop"
    yield Pause(clip=clip.name, audio=samples[: (last + 1 + SHORTEST) * BLOCK], seconds=None, kind=kind)


def _sentence_ends(sample: Sample) -> Iterator[float]:
    """Yield where sentences end inside the clip, as far as its words can be told from its text."""
    written = sample.clip.text.split()
    words: Sequence[object] = sample.clip.words
    if len(written) != len(words):
        return
    for text, word in zip(written, sample.clip.words, strict=True):
        if text.rstrip("\"'").endswith((".", "?", "!")):
            yield word.end_s
