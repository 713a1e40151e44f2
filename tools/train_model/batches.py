"""Examples of about one length, padded as windows are in use, as tensors."""

import random
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from train_model.corpus import Recording
from train_model.examples import Example, Frames, Script, example, script
from train_model.features import FLOOR, FRAMES_PER_S, MELS, RANGE
from train_model.words import WORDS

POOL: Final = 768
"""Examples sorted by length at a time."""
BATCH_FRAMES: Final = 8_000
"""Mel frames in a batch: many short windows, or a few long ones."""
TIMED_SHARE: Final = 0.3
"""Of the scripts, with times."""
_NUMBER: Final = {word: index + 1 for index, word in enumerate(WORDS)}


class Batch(NamedTuple):
    """One step's worth."""

    mels: Tensor
    """(batch, mels, frames), normalised."""
    tokens: Tensor
    """(batch, length)."""
    wanted: Tensor
    """The next token of each, -1 where it does not matter."""
    words: Tensor
    """The word in each frame of 20 ms, 0 for none, -1 where it does not matter."""
    looks: Tensor
    """Where the alignment head is to look for each next token: (batch, length, frames), rows of sum 1 or 0."""


def batches(recordings: Sequence[Recording], rng: random.Random, longest_pad_share: float) -> Iterator[Batch]:
    """Yield random batches for ever; ``longest_pad_share`` of them are windows of 30 s."""
    noise = np.random.default_rng(rng.randrange(1 << 30))
    while True:
        pool = [example(rng.choice(recordings), rng, noise) for _ in range(POOL)]
        pool.sort(key=lambda one: len(one.frames))
        slices = []
        while pool:
            pad = _pad(rng, longest_pad_share)
            count, longest = 0, 0
            for one in pool:
                longest = min(3000, max(longest, len(one.frames) + pad))
                if count and (count + 1) * longest > BATCH_FRAMES:
                    break
                count += 1
            slices.append((pool[:count], longest))
            del pool[:count]
        rng.shuffle(slices)
        for examples, frames in slices:
            yield _batch(examples, frames + frames % 2, rng, noise)


def _pad(rng: random.Random, longest_share: float) -> int:
    """Return the frames of tail pad of a batch: seldom 30 s, mostly what a streaming recogniser uses."""
    kind = rng.random()
    if kind < longest_share:
        return 3000
    if kind < longest_share + 0.08:
        return rng.randint(250, 1000)
    return rng.randint(10, 200)


def _batch(examples: Sequence[Example], frames: int, rng: random.Random, noise: np.random.Generator) -> Batch:
    mels = np.stack([_window(one.frames, frames, rng, noise) for one in examples])
    scripts = [script(one.words, one.context, times=rng.random() < TIMED_SHARE) for one in examples]
    length = max(len(one.tokens) for one in scripts)
    tokens = np.zeros((len(examples), length), dtype=np.int64)
    wanted = np.full((len(examples), length), -1, dtype=np.int64)
    words = np.zeros((len(examples), frames // 2), dtype=np.int64)
    looks = np.zeros((len(examples), length, frames // 2), dtype=np.float32)
    for index, (one, line) in enumerate(zip(examples, scripts, strict=True)):
        tokens[index, : len(line.tokens)] = line.tokens
        wanted[index, : len(line.wanted)] = line.wanted
        _look(looks[index], line)
        for word in one.words:
            words[index, _span(word.start, word.end, frames // 2)] = _NUMBER[word.text] if word.counts else -1
    return Batch(*(torch.from_numpy(part) for part in (mels, tokens, wanted, words, looks)))


def _look(rows: NDArray[np.float32], line: Script) -> None:
    for row, span in zip(rows, line.spans, strict=False):
        if span is not None:
            inside = _span(*span, rows.shape[1])
            row[inside] = 1 / (inside.stop - inside.start)


def _span(start_s: float, end_s: float, frames: int) -> slice:
    first = min(frames - 1, round(start_s * FRAMES_PER_S / 2))
    return slice(first, min(frames, max(first + 1, round(end_s * FRAMES_PER_S / 2))))


def _window(frames: Frames, length: int, rng: random.Random, noise: np.random.Generator) -> Frames:
    """Return normalised (mels, length) with the pad of somebody's: digital silence, a hiss, or zeros put in later."""
    frames = frames[:length]
    floor = frames.max() - RANGE
    kind = rng.random()
    padded = np.full((length, MELS), FLOOR, dtype=np.float32)
    padded[: len(frames)] = frames
    if kind < 0.25:
        hiss = min(float(np.quantile(frames, 0.1)), floor + rng.uniform(0.5, 3))
        shape = (length - len(frames), MELS)
        padded[len(frames) :] = hiss + np.log10(noise.gamma(2, 0.5, shape) + 1e-3)
    done = (np.maximum(padded, floor) + 4) / 4
    if kind > 0.7:
        done[len(frames) :] = 0.0
    return np.ascontiguousarray(done.T)
