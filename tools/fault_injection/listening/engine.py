"""Engines whose words are in the audio: a word is a run of samples of one value, and zeros are silence.

What is heard does not depend on where a session begins. `ListeningEngine` is the stateful kind,
`ListeningWindowEngine` the window kind.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from auricle.engines.protocol import (
    Engine,
    EngineUnavailable,
    Samples,
    SessionParts,
    StreamConfig,
    TimedWord,
    Transcript,
    VoiceDetector,
    Window,
)
from auricle.engines.scripted.engine import ScriptedEngine, ScriptedWindowEngine
from fault_injection.listening import session_parts

RATE: Final = 16_000
WORD_SAMPLES: Final = 8_192
PAUSE_SAMPLES: Final = 24_576
LEAST_SAMPLES: Final = 1_024
"""Samples of a value that are a word: less is what is left of one at an edge."""


def spoken(utterances: Sequence[Sequence[int]]) -> bytes:
    """Return the audio of utterances, each of words (values above 0, no two alike in a row) and a pause.

    PCM of 16 bits at `RATE`. Every word and every pause is a whole number of blocks of the voice detector.
    """
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


def transcript_of(samples: Samples) -> Transcript:
    """Return the words in samples, which are PCM of 16 bits as floats from -1 to 1."""
    values = np.rint(np.asarray(samples) * 32_768).astype(int)
    edges = np.flatnonzero(np.diff(values)) + 1
    words = [
        TimedWord(text=f"w{values[begin]}", start_s=begin / RATE, end_s=end / RATE, confidence=0.9)
        for begin, end in pairwise((0, *edges.tolist(), len(values)))
        if end - begin >= LEAST_SAMPLES and values[begin]
    ]
    text = " ".join(word.text for word in words)
    return Transcript(text=text, words=tuple(words), confidence=0.9, language="en", stable=0)


class _Loud:
    """What both kinds have in common: speech is what is not zero."""

    def voice_detector(self, config: StreamConfig) -> VoiceDetector:
        """Return a voice detector that takes for speech what is not zero."""
        return session_parts.Loudness()

    def session_parts(self) -> SessionParts:
        """Return the factory of such voice detectors."""
        return session_parts.session_parts({})

    def parts_description(self) -> Mapping[str, object]:
        """Return nothing: there is one such voice detector."""
        return {}


class ListeningEngine(_Loud, ScriptedEngine):
    """The stateful kind."""

    def begin(self, config: StreamConfig, start_sample: int) -> "Utterance":  # type: ignore[override]  # it hears nothing of a script
        """Begin an utterance."""
        return Utterance()


class ListeningWindowEngine(_Loud, ScriptedWindowEngine):
    """The window kind."""

    def decode(self, windows: Sequence[Window]) -> Sequence[Transcript]:
        """Return the words of each window, without those that are only its acoustic context."""
        return [_told(window) for window in windows]


class Utterance:
    """One utterance of `ListeningEngine`."""

    def __init__(self) -> None:
        self._heard: list[Samples] = []

    def accept(self, audio: Samples) -> None:
        """Accept more audio."""
        self._heard.append(np.array(audio))

    def hypothesis(self) -> Transcript:
        """Return the words so far."""
        return transcript_of(np.concatenate(self._heard) if self._heard else np.zeros(0, dtype=np.float32))

    finish = hypothesis

    def close(self) -> None:
        """Do nothing: an utterance holds nothing."""


def _told(window: Window) -> Transcript:
    samples = np.array(window.audio)
    if window.told_after is not None:
        samples[: round(window.told_after[0] * RATE)] = 0.0
    return transcript_of(samples)


def create_engine(model: str | None, language: str | None) -> Engine:
    """Return the engine of the kind ``model``: ``stateful`` (as is None) or ``window``.

    Raises `EngineUnavailable` for another one.
    """
    match model:
        case None | "stateful":
            return ListeningEngine()
        case "window":
            return ListeningWindowEngine()
        case _:
            raise EngineUnavailable(f"The engine listening has the models stateful and window, not {model}.")
