"""One recording becomes one example: cut, varied, and written as what the decoder is to say.

Cuts and contexts are those of a streaming recogniser: a window begins where words were already committed, with their
text as context, and ends in the middle of a word. What is left of a word counts if most of it is there.
"""

import random
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

from train_model.corpus import Recording
from train_model.features import FLOOR, FRAMES_PER_S, MELS
from train_model.tokens import END, NO_SPEECH, NO_TIMESTAMPS, PREVIOUS, START, number_of, pieces, time_token
from train_model.words import WORDS

Frames = NDArray[np.float32]
HEARD_SHARE: Final = 0.75
"""A word counts if this share of it lies in the window."""
SHORTEST_CUT_S: Final = 0.3
_PLAIN_COMMA: Final = ","


class Said(NamedTuple):
    """A word of an example; times in seconds of the window."""

    text: str
    start: float
    end: float
    counts: bool


class Example(NamedTuple):
    """A window: log10 mel frames (frames, mels), its words, and the words before it."""

    frames: Frames
    words: list[Said]
    context: list[str]


class Script(NamedTuple):
    """What the decoder hears and says: tokens, and where each next token is to be looked for."""

    tokens: list[int]
    wanted: list[int]
    """The next token behind each token; -1 where it does not matter."""
    spans: list[tuple[float, float] | None]
    """Seconds in which the next token is said."""


def example(recording: Recording, rng: random.Random, noise: np.random.Generator) -> Example:
    """Return a random variation of a recording."""
    frames = recording.frames.astype(np.float32)
    words = [Said(text, start, end, True) for text, start, end in recording.words]
    context: list[str] = []
    if len(words) > 1 and rng.random() < 0.3:
        frames, words, context = _begun_late(frames, words, rng)
    if words and rng.random() < 0.25:
        frames, words = _ended_early(frames, words, rng)
    if rng.random() < 0.5:
        frames, words = _at_speed(frames, words, rng.uniform(0.85, 1.18))
    if rng.random() < 0.25:
        lead = rng.randint(1, 60)
        quiet = np.full((lead, MELS), max(FLOOR, float(frames.min()) - rng.uniform(0, 3)), dtype=np.float32)
        frames = np.concatenate([quiet, frames])
        words = [word._replace(start=word.start + lead / 100, end=word.end + lead / 100) for word in words]
    return Example(_coloured(frames, rng, noise), words, context if rng.random() < 0.6 else _unrelated(rng))


def _begun_late(frames: Frames, words: list[Said], rng: random.Random) -> tuple[Frames, list[Said], list[str]]:
    first = rng.randrange(1, len(words))
    cut = max(0, round((words[first].start - rng.uniform(0, 0.25)) * FRAMES_PER_S))
    return frames[cut:], _shifted(words, cut / FRAMES_PER_S), [word.text for word in words[:first]]


def _shifted(words: list[Said], cut_s: float) -> list[Said]:
    left = []
    for word in words:
        start, end = word.start - cut_s, word.end - cut_s
        if end > 0:
            heard = end / (word.end - word.start)
            left.append(Said(word.text, max(0.0, start), end, word.counts and heard >= HEARD_SHARE))
    return left


def _ended_early(frames: Frames, words: list[Said], rng: random.Random) -> tuple[Frames, list[Said]]:
    end_s = rng.uniform(SHORTEST_CUT_S, max(SHORTEST_CUT_S, words[-1].end))
    left = []
    for word in words:
        if word.start < end_s:
            heard = (end_s - word.start) / (word.end - word.start)
            left.append(word._replace(end=min(word.end, end_s), counts=word.counts and heard >= HEARD_SHARE))
    return frames[: round(end_s * FRAMES_PER_S)], left


def _at_speed(frames: Frames, words: list[Said], speed: float) -> tuple[Frames, list[Said]]:
    at = np.arange(0, len(frames) - 1, speed)
    below = at.astype(int)
    share = (at - below)[:, None].astype(np.float32)
    stretched = frames[below] * (1 - share) + frames[np.minimum(below + 1, len(frames) - 1)] * share
    return stretched, [word._replace(start=word.start / speed, end=word.end / speed) for word in words]


def _coloured(frames: Frames, rng: random.Random, noise: np.random.Generator) -> Frames:
    """Return the frames of another throat, microphone and place."""
    if rng.random() < 0.7:
        frames = frames @ _warp(rng.randint(-16, 16))
    curve = np.interp(np.arange(MELS), np.linspace(0, MELS, 6), noise.normal(0, 0.3, 6))
    frames = frames + (curve + noise.normal(0, 0.4)).astype(np.float32)
    if rng.random() < 0.35:
        hiss = np.interp(np.arange(MELS), np.linspace(0, MELS, 4), noise.normal(0, 0.6, 4))
        level = np.quantile(frames, 0.95) - rng.uniform(0.8, 4) + hiss + np.log10(noise.gamma(1.5, 0.67, frames.shape))
        frames = np.logaddexp(frames * np.log(10), level * np.log(10)) / np.log(10)
    frames = np.array(frames, dtype=np.float32)
    if rng.random() < 0.4:
        low = rng.randrange(MELS - 8)
        frames[:, low : low + rng.randint(1, 8)] = frames.mean()
    if rng.random() < 0.3 and len(frames) > 40:
        begin = rng.randrange(len(frames) - 10)
        frames[begin : begin + rng.randint(1, 8)] = frames.mean()
    return np.maximum(frames, FLOOR)


@cache
def _warp(percent: int) -> Frames:
    """Return the matrix that moves what is heard up in frequency by so many percent."""
    filters = FeatureExtractor(feature_size=MELS).mel_filters
    centres = (filters * np.arange(filters.shape[1])).sum(1) / filters.sum(1)
    at = np.interp(centres / (1 + percent / 100), centres, np.arange(MELS))
    matrix = np.zeros((MELS, MELS), dtype=np.float32)
    for to, position in enumerate(at):
        below = min(int(position), MELS - 2)
        matrix[below, to] = 1 - (position - below)
        matrix[below + 1, to] = position - below
    return matrix


def _unrelated(rng: random.Random) -> list[str]:
    """Return, now and then, words that were not said before: a prompt or a list of terms."""
    if rng.random() > 0.06:
        return []
    comma = rng.choice(("", _PLAIN_COMMA))
    return [rng.choice(WORDS) + comma for _ in range(rng.randint(1, 8))]


def script(words: list[Said], context: list[str], *, times: bool) -> Script:
    """Return what the decoder is given and is to say."""
    before = [piece for word in context for piece in pieces(word)]
    tokens = [number_of(PREVIOUS), *before] if before else []
    wanted = [-1] * len(tokens)
    spans: list[tuple[float, float] | None] = [None] * len(tokens)
    said = [word for word in words if word.counts]
    text = [(piece, span) for word in said for piece, span in _placed(word)]
    over = said[-1].end if said else 0.0
    if times:
        body = [(time_token(0), None), *text, *([(time_token(round(over, 1)), (over, over + 0.2))] if said else [])]
        line = [(number_of(START), None), *body, (number_of(END), None)]
    else:
        line = [(number_of(START), None), (number_of(NO_TIMESTAMPS), None), *text, (number_of(END), (over, over + 0.2))]
    tokens += [token for token, _ in line[:-1]]
    wanted += [token for token, _ in line[1:]]
    spans += [span if said else None for _, span in line[1:]]
    if not said and not words:
        wanted[wanted.index(line[1][0], len(before))] = number_of(NO_SPEECH)
    return Script(tokens, wanted, spans)


def _placed(word: Said) -> list[tuple[int, tuple[float, float]]]:
    """Return the pieces of a word, each with its share of the word's time."""
    tokens = pieces(word.text)
    each = (word.end - word.start) / len(tokens)
    return [(token, (word.start + index * each, word.start + (index + 1) * each)) for index, token in enumerate(tokens)]
