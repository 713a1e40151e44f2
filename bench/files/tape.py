"""A long recording as a phone makes one, from clips whose words are known."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import av
import numpy as np
from words.samples import Sample

from auricle.engines.protocol import ENGINE_RATE, Samples

PAUSE_S: Final = 0.6
"""Silence behind each clip."""
PHONE_RATE: Final = 44_100
PHONE_BITS: Final = 64_000
"""Sample rate (Hz) and bits a second of a voice memo."""
SEED: Final = 13


def tape(samples: Sequence[Sample], seconds: float) -> list[Sample]:
    """Return clips that last ``seconds`` together with their pauses: all of them, again and again, in another order."""
    order, chosen, lasts_s = random.Random(SEED), list[Sample](), 0.0
    while lasts_s < seconds:
        for sample in order.sample(samples, len(samples)):
            chosen.append(sample)
            lasts_s += sample.clip.seconds + PAUSE_S
            if lasts_s >= seconds:
                break
    return chosen


def write_m4a(path: Path, clips: Sequence[Sample]) -> None:
    """Write the clips and their pauses as AAC in an MP4 container."""
    with av.open(str(path), "w", format="ipod") as out:
        stream = out.add_stream("aac", rate=PHONE_RATE, layout="mono")
        stream.bit_rate = PHONE_BITS
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=PHONE_RATE)
        position = 0
        for piece in _pieces(clips):
            frame = av.AudioFrame.from_ndarray(piece[None, :], format="fltp", layout="mono")
            frame.rate, frame.pts = ENGINE_RATE, position
            position += len(piece)
            for converted in resampler.resample(frame):
                out.mux(stream.encode(converted))
        for converted in resampler.resample(None):
            out.mux(stream.encode(converted))
        out.mux(stream.encode(None))


def _pieces(clips: Sequence[Sample]) -> Iterator[Samples]:
    pause = np.zeros(round(PAUSE_S * ENGINE_RATE), dtype=np.float32)
    for sample in clips:
        yield np.ascontiguousarray(sample.clip.samples, dtype=np.float32)
        yield pause
