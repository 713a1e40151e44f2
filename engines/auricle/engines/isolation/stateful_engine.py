"""The parent's side of a stateful engine in a child process.

The audio of an open utterance is kept here until the utterance ends. When the child dies, the next one is given all of
that audio again, and the utterance continues.
"""

from itertools import count
from typing import Any

import numpy as np

from auricle.engines.isolation.messages import Ready, UnknownUtterance
from auricle.engines.isolation.supervisor import Supervisor
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
from auricle.engines.scheduling.budgets import utterance_budget_s
from auricle.engines.supervised import EngineTrouble


class IsolatedStatefulEngine:
    """A stateful engine that `load_isolated` has loaded."""

    def __init__(self, supervisor: Supervisor, ready: Ready) -> None:
        self._supervisor = supervisor
        self._ready = ready
        self._numbers = count(1)

    @property
    def info(self) -> EngineInfo:
        """Description of the engine."""
        return self._ready.info

    def load(self, progress: LoadProgress) -> None:
        """Do nothing: the engine is loaded when this object is created."""

    def voice_detector(self, config: StreamConfig) -> VoiceDetector:
        """Return a voice detector for one session; it runs in this process."""
        return self._ready.parts.voice_detector(config)

    def session_parts(self) -> SessionParts:
        """Return the factories of what runs in this process."""
        return self._ready.parts

    def begin(self, config: StreamConfig, start_sample: int) -> UtteranceDecoder:
        """Begin an utterance at engine sample ``start_sample`` of its session. Raises `EngineError`."""
        return IsolatedUtterance(self._supervisor, next(self._numbers), config, start_sample)

    @property
    def trouble(self) -> EngineTrouble | None:
        """What keeps the process from answering now; None: nothing."""
        return self._supervisor.trouble

    def stop(self) -> None:
        """Kill the process; pending calls raise `EngineError`."""
        self._supervisor.close()

    def close(self) -> None:
        """Kill the process."""
        self._supervisor.close()


class IsolatedUtterance:
    """An utterance that a child process decodes; it continues in the next child when that one dies."""

    def __init__(self, supervisor: Supervisor, number: int, config: StreamConfig, start_sample: int) -> None:
        self._supervisor = supervisor
        self._number = number
        self._config = config
        self._start = start_sample
        self._audio: list[Samples] = []
        self._begin()

    def accept(self, audio: Samples) -> None:
        """Decode more audio, shape ``(n,)``. Raises `EngineError`."""
        self._audio.append(audio)
        try:
            self._call("accept", audio)
        except UnknownUtterance:
            self._begin()

    def hypothesis(self) -> Transcript:
        """Return the hypothesis for the audio so far. Raises `EngineError`."""
        return self._request_transcript("hypothesis")

    def finish(self) -> Transcript:
        """End the utterance and return its transcript. Raises `EngineError`."""
        return self._request_transcript("finish")

    def close(self) -> None:
        """Release the decoder. Safe to call twice."""
        self._audio.clear()
        try:
            self._supervisor.call("close", self._number, budget_s=utterance_budget_s(0.0))
        except EngineError:
            # Without a process there is no decoder to release.
            return

    def _request_transcript(self, method: str) -> Transcript:
        try:
            transcript: Transcript = self._call(method)
        except UnknownUtterance:
            self._begin()
            transcript = self._call(method)
        return transcript

    def _begin(self) -> None:
        audio = np.concatenate(self._audio) if self._audio else np.zeros(0, dtype=np.float32)
        self._call("begin", self._config, self._start, audio)

    def _call(self, method: str, *arguments: object) -> Any:
        audio_s = sum(map(len, self._audio)) / ENGINE_RATE
        return self._supervisor.call(method, self._number, *arguments, budget_s=utterance_budget_s(audio_s))
