"""A stateful engine in another process, seen from here.

What an open utterance has heard is kept here until it is over: a process that takes the place of one that died is told
all of it again, and goes on as if nothing had happened.
"""

from itertools import count
from typing import Any, Final

import numpy as np

from auricle.engines.isolation.messages import Ready, UnknownUtterance
from auricle.engines.isolation.process import EngineProcess
from auricle.engines.protocol import (
    ENGINE_RATE,
    EngineError,
    EngineInfo,
    LoadProgress,
    Samples,
    SessionParts,
    StreamConfig,
    Transcript,
    UtteranceDecoder,
    VoiceDetector,
)

WEDGED_S: Final = 60.0
"""A call that takes longer than this …"""
WEDGED_PER_S: Final = 20.0
"""… and so many times the audio of its utterance will never come back."""
CLOSING_S: Final = 10.0
"""Giving a decoder back may take so long."""


class IsolatedStatefulEngine:
    """Made by `load_isolated`, loaded already."""

    def __init__(self, process: EngineProcess, ready: Ready) -> None:
        self._process = process
        self._ready = ready
        self._numbers = count(1)

    @property
    def info(self) -> EngineInfo:
        """Who answers."""
        return self._ready.info

    def load(self, progress: LoadProgress) -> None:
        """Nothing: it is loaded."""

    def voice_detector(self, config: StreamConfig) -> VoiceDetector:
        """Return a voice detector, which lives here."""
        return self._ready.parts.voice_detector(config)

    def session_parts(self) -> SessionParts:
        """Return what lives here."""
        return self._ready.parts

    def begin(self, config: StreamConfig, start_sample: int) -> UtteranceDecoder:
        """Begin an utterance."""
        return IsolatedUtterance(self._process, next(self._numbers), config, start_sample)

    def stop(self) -> None:
        """End the process, and with it all calls."""
        self._process.close()

    def close(self) -> None:
        """End the process."""
        self._process.close()


class IsolatedUtterance:
    """An utterance that a process decodes, and that survives it."""

    def __init__(self, process: EngineProcess, number: int, config: StreamConfig, start_sample: int) -> None:
        self._process = process
        self._number = number
        self._config = config
        self._start = start_sample
        self._heard: list[Samples] = []
        self._begin()

    def accept(self, audio: Samples) -> None:
        """Hear more. Raises `EngineError`."""
        self._heard.append(audio)
        try:
            self._call("accept", audio)
        except UnknownUtterance:
            self._begin()

    def hypothesis(self) -> Transcript:
        """Return what it sounds like so far. Raises `EngineError`."""
        return self._told("hypothesis")

    def finish(self) -> Transcript:
        """End it. Raises `EngineError`."""
        return self._told("finish")

    def close(self) -> None:
        """Give the decoder back. Safe to call twice."""
        self._heard.clear()
        try:
            self._process.call("close", self._number, timeout_s=CLOSING_S)
        except EngineError:
            # There is no process, and so no decoder either.
            return

    def _told(self, method: str) -> Transcript:
        try:
            transcript: Transcript = self._call(method)
        except UnknownUtterance:
            self._begin()
            transcript = self._call(method)
        return transcript

    def _begin(self) -> None:
        heard = np.concatenate(self._heard) if self._heard else np.zeros(0, dtype=np.float32)
        self._call("begin", self._config, self._start, heard)

    def _call(self, method: str, *arguments: object) -> Any:
        heard_s = sum(map(len, self._heard)) / ENGINE_RATE
        return self._process.call(method, self._number, *arguments, timeout_s=WEDGED_S + WEDGED_PER_S * heard_s)
