"""Who there is to speak: the pieces of each speaker's clips, and voices that are synthesised."""

import io
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import soundfile
import soxr
from words.samples import Sample

from auricle.core import Word
from auricle.engines.protocol import ENGINE_RATE, Samples

PAUSE_S: Final = 0.25
"""Where a clip is cut into pieces, so that no word is."""
SHORTEST_S: Final = 1.5
LONGEST_S: Final = 6.0
EDGE_S: Final = 0.05
"""Kept of the pause on either side."""
SENTENCES: Final = (
    "Good morning, how are you today?",
    "I would like to know when the next train leaves for the city.",
    "It leaves at a quarter past nine, from the second platform.",
    "Thank you, and do I have to change anywhere on the way?",
    "No, it is a direct train, and it takes about forty minutes.",
    "That is very good, then I shall take it tomorrow morning.",
)
SYNTHESISERS: Final[Mapping[str, Sequence[str]]] = {
    "flite slt": ("flite", "-voice", "slt", "-o", "/dev/stdout", "-t"),
    "flite kal16": ("flite", "-voice", "kal16", "-o", "/dev/stdout", "-t"),
    "flite awb": ("flite", "-voice", "awb", "-o", "/dev/stdout", "-t"),
    "flite rms": ("flite", "-voice", "rms", "-o", "/dev/stdout", "-t"),
    "espeak-ng": ("espeak-ng", "-v", "en", "--stdout"),
    "espeak-ng, a woman": ("espeak-ng", "-v", "en+f3", "--stdout"),
}


class Piece(NamedTuple):
    """Some seconds of one speaker, with the times of the words in it."""

    audio: Samples
    words: Sequence[Word]

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.audio) / ENGINE_RATE


def recorded(samples: Sequence[Sample]) -> Mapping[str, Sequence[Piece]]:
    """Return the pieces of every speaker of whom there are two or more."""
    found: dict[str, list[Piece]] = defaultdict(list)
    for sample in samples:
        if sample.speaker is not None:
            found[sample.speaker] += _pieces(sample)
    return {speaker: pieces for speaker, pieces in found.items() if len(pieces) > 1}


def synthesised() -> Mapping[str, Sequence[Piece]]:
    """Return the pieces of every voice of flite and espeak-ng. Raises `OSError` where a program is missing."""
    return {name: [_said(command, text) for text in SENTENCES] for name, command in SYNTHESISERS.items()}


def _pieces(sample: Sample) -> Sequence[Piece]:
    words = [Word(text=word.text, start=word.start_s, end=word.end_s) for word in sample.clip.words]
    pieces: list[Piece] = []
    begin = 0
    for index in range(1, len(words) + 1):
        over = index == len(words) or words[index].start - words[index - 1].end >= PAUSE_S
        seconds = words[index - 1].end - words[begin].start
        if over and (seconds >= SHORTEST_S or index == len(words)):
            if SHORTEST_S <= seconds <= 2 * LONGEST_S:
                pieces.append(_cut(sample, words[begin:index]))
            begin = index
    return pieces


def _cut(sample: Sample, words: Sequence[Word]) -> Piece:
    start_s = max(0.0, words[0].start - EDGE_S)
    audio = sample.clip.samples[round(start_s * ENGINE_RATE) : round((words[-1].end + EDGE_S) * ENGINE_RATE)]
    return Piece(audio, moved(words, -start_s))


def moved(words: Sequence[Word], by_s: float) -> Sequence[Word]:
    """Return words so many seconds later."""
    return [replace(word, start=max(0.0, word.start + by_s), end=max(0.0, word.end + by_s)) for word in words]


def _said(command: Sequence[str], text: str) -> Piece:
    """Return a sentence as it is synthesised. Nobody tells the times of its words: they are taken for equally long."""
    spoken = subprocess.run([*command, text], capture_output=True, check=True).stdout
    audio, rate = soundfile.read(io.BytesIO(spoken), dtype="float32")
    audio = soxr.resample(audio, rate, ENGINE_RATE)
    voiced = np.flatnonzero(np.abs(audio) > 0.02)
    audio = audio[voiced[0] : voiced[-1] + 1]
    words = text.split()
    step_s = len(audio) / ENGINE_RATE / len(words)
    times = [Word(text=word, start=step_s * at, end=step_s * (at + 1)) for at, word in enumerate(words)]
    return Piece(audio.astype(np.float32), times)
