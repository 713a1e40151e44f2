"""The recordings of this project, for its own small model, which understands nothing else."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from clips import Clip
from words.samples import Sample

from auricle.engines.protocol import ENGINE_RATE

MODEL: Final = "pebble-en"
FOLDER: Final = Path(__file__).parents[2] / "tests" / "engines" / "speech"
COUNT: Final = 4


def recordings() -> Sequence[Sample]:
    """Return the longest ones, mono and at the engines' rate."""
    lines = (FOLDER / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    entries = sorted((json.loads(line) for line in lines), key=lambda entry: -entry["seconds"])
    return [_sample(entry) for entry in entries[:COUNT]]


def _sample(entry: dict[str, str]) -> Sample:
    audio, rate = soundfile.read(FOLDER / entry["path"], dtype="float32", always_2d=True)
    mono = soxr.resample(audio.mean(axis=1), rate, ENGINE_RATE)
    name = entry["path"].removesuffix(".ogg")
    clip = Clip(name=name, samples=np.asarray(mono, dtype=np.float32), text=entry["text"], words=())
    return Sample(clip=clip, kind="utterance", language="en", has_reference=True)
