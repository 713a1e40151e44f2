"""Two speakers in turn, as a recording: their audio, their words, and whose each of them is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, cycle
from random import Random
from typing import Final

import numpy as np
import soxr
from speakers.voices import Piece, moved

from auricle.core import Word
from auricle.engines.protocol import ENGINE_RATE, Samples

TURNS: Final = 8
"""At most: no piece is said twice."""
PAUSES_S: Final = (0.1, 0.2, 0.4, 0.7)
TELEPHONE_RATE: Final = 8_000
TELEPHONE_HZ: Final = (300, 3400)
MU: Final = 255.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conversation:
    """``speakers`` has, for each word, who says it."""

    name: str
    audio: Samples
    words: Sequence[Word]
    speakers: Sequence[str]


def conversations(voices: Mapping[str, Sequence[Piece]]) -> Sequence[Conversation]:
    """Return one conversation for each two of the voices."""
    return [_conversation(voices, pair) for pair in combinations(sorted(voices), 2)]


def alone(voices: Mapping[str, Sequence[Piece]]) -> Sequence[Conversation]:
    """Return a recording of each voice alone, cut into turns in the same way."""
    return [
        _recording(name, [(name, piece) for piece in voices[name][:TURNS]], Random(name)) for name in sorted(voices)
    ]


def _conversation(voices: Mapping[str, Sequence[Piece]], pair: tuple[str, str]) -> Conversation:
    random = Random("/".join(pair))
    each = min(TURNS // 2, *(len(voices[name]) for name in pair))
    chosen = {name: iter(random.sample(list(voices[name]), each)) for name in pair}
    turns = cycle(pair)
    said = [(name, next(chosen[name])) for _ in range(2 * each) for name in (next(turns),)]
    return _recording(" and ".join(pair), said, random)


def _recording(name: str, said: Sequence[tuple[str, Piece]], random: Random) -> Conversation:
    audio: list[Samples] = []
    words: list[Word] = []
    speakers: list[str] = []
    at = 0
    for speaker, piece in said:
        pause = np.zeros(round(random.choice(PAUSES_S) * ENGINE_RATE), np.float32)
        level = 0.1 / max(float(np.sqrt(np.mean(piece.audio**2))), 1e-4)
        audio += [pause, (piece.audio * level).astype(np.float32)]
        at += len(pause)
        words += moved(piece.words, at / ENGINE_RATE)
        speakers += [speaker] * len(piece.words)
        at += len(piece.audio)
    return Conversation(name=name, audio=np.concatenate(audio), words=words, speakers=speakers)


def by_telephone(audio: Samples) -> Samples:
    """Return audio as it comes over a telephone line: 300 to 3400 Hz at 8 kHz, in mu-law."""
    narrow = soxr.resample(audio, ENGINE_RATE, TELEPHONE_RATE)
    spectrum = np.fft.rfft(narrow)
    hz = np.fft.rfftfreq(len(narrow), 1 / TELEPHONE_RATE)
    spectrum[(hz < TELEPHONE_HZ[0]) | (hz > TELEPHONE_HZ[1])] = 0
    clipped = np.clip(np.fft.irfft(spectrum, len(narrow)), -1, 1)
    curve = np.sign(clipped) * np.log1p(MU * np.abs(clipped)) / np.log1p(MU)
    steps = np.round(curve * 127) / 127
    heard = np.sign(steps) * np.expm1(np.abs(steps) * np.log1p(MU)) / MU
    return np.asarray(soxr.resample(heard, TELEPHONE_RATE, ENGINE_RATE), dtype=np.float32)[: len(audio)]
