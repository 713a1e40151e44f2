"""An engine whose words are in the audio: whoever loses, doubles or displaces samples says other words.

A word is a run of samples of one value; zeros are silence. What is heard does not depend on where a session begins.
"""

from collections.abc import Sequence
from functools import partial
from itertools import groupby

import numpy as np

from auricle.engines.protocol import Samples, SessionParts, StreamConfig, TimedWord, Transcript, VoiceDetector
from auricle.engines.scripted.engine import ScriptedEngine

RATE = 16_000
WORD_SAMPLES = 8_192
PAUSE_SAMPLES = 24_576
LEAST_SAMPLES = 1_024
"""Samples of a value that are a word: less is what is left of one at an edge."""


def spoken(utterances: Sequence[Sequence[int]]) -> bytes:
    """Return the audio of utterances, each of words (values above 0, no two alike in a row) and a pause."""
    pause = np.zeros(PAUSE_SAMPLES, dtype=np.int16)
    pieces = [
        piece
        for words in utterances
        for piece in (*(np.full(WORD_SAMPLES, word, dtype=np.int16) for word in words), pause)
    ]
    return np.concatenate(pieces).tobytes()


def text_of(words: Sequence[int]) -> str:
    """Return what the engine says for an utterance."""
    return " ".join(f"w{word}" for word in words)


class _Loudness:
    """A voice detector: speech is what is not zero."""

    def __call__(self, blocks: Samples) -> Sequence[float]:
        return [float(np.any(block)) for block in blocks]


def _loudness(config: StreamConfig) -> VoiceDetector:
    return _Loudness()


class ListeningEngine(ScriptedEngine):
    """The stateful kind."""

    def voice_detector(self, config: StreamConfig) -> VoiceDetector:
        return _Loudness()

    def session_parts(self) -> SessionParts:
        return SessionParts(voice_detector=partial(_loudness))

    def begin(self, config: StreamConfig, start_sample: int) -> "Utterance":  # type: ignore[override]
        return Utterance()


class Utterance:
    """One utterance."""

    def __init__(self) -> None:
        self._heard: list[int] = []

    def accept(self, audio: Samples) -> None:
        self._heard += np.rint(np.asarray(audio) * 32_768).astype(int).tolist()

    def hypothesis(self) -> Transcript:
        words, at = [], 0
        for value, run in groupby(self._heard):
            length = sum(1 for _ in run)
            if value and length >= LEAST_SAMPLES:
                begin_s, end_s = at / RATE, (at + length) / RATE
                words.append(TimedWord(text=f"w{value}", start_s=begin_s, end_s=end_s, confidence=0.9))
            at += length
        text = " ".join(word.text for word in words)
        return Transcript(text=text, words=tuple(words), confidence=0.9, language="en", stable=0)

    finish = hypothesis

    def close(self) -> None:
        pass
