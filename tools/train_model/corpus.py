"""Makes the training data once: shards of log-mel frames, texts and word times."""

import json
import random
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from train_model import augmentation
from train_model.features import log_mel
from train_model.voices import Voice, say_all, training_voice
from train_model.words import training_sentence

SHARD: Final = 1000
"""Recordings in a shard."""
NON_SPEECH: Final = 50
"""And how many windows without a word."""


class Recording(NamedTuple):
    """One recording: log10 mel frames, unnormalised, and its words as (text, start s, end s)."""

    frames: NDArray[np.float16]
    words: list[tuple[str, float, float]]


def make_shard(path: Path, seed: int, held_out: frozenset[str]) -> None:
    """Write one shard, the same for the same seed. Sentences in ``held_out`` are left out."""
    rng, noise = random.Random(seed), np.random.default_rng(seed)
    requests: list[tuple[str, Voice]] = []
    while len(requests) < SHARD:
        text = training_sentence(rng)
        if text not in held_out:
            requests.append((text, training_voice(rng)))
    frames: list[NDArray[np.float16]] = []
    words: list[list[tuple[str, float, float]]] = []
    for _, _, speech in say_all(requests, rng):
        speed = noise.uniform(0.86, 1.17) if noise.random() < 0.7 else 1.0
        placed = augmentation.trimmed(
            augmentation.at_rate(speech, speed), noise.uniform(0.02, 0.4), noise.uniform(0.05, 0.3)
        )
        heard = augmentation.disturbed(placed, noise)
        frames.append(log_mel(heard.audio).astype(np.float16))
        words.append([(word.text, round(word.start, 3), round(word.end, 3)) for word in heard.words])
    for _ in range(NON_SPEECH):
        frames.append(log_mel(augmentation.non_speech(noise.uniform(0.5, 6), noise)).astype(np.float16))
        words.append([])
    partial = path.with_suffix(".part.npz")
    np.savez(
        partial,
        frames=np.concatenate(frames),
        lengths=np.array([len(part) for part in frames]),
        words=np.array(json.dumps(words)),
    )
    partial.rename(path)


def read_shard(path: Path) -> list[Recording]:
    """Return the recordings of a shard."""
    with np.load(path) as shard:
        ends = np.cumsum(shard["lengths"])
        parts = np.split(shard["frames"], ends[:-1])
        words = json.loads(str(shard["words"]))
    return [Recording(part, [tuple(word) for word in said]) for part, said in zip(parts, words, strict=True)]
