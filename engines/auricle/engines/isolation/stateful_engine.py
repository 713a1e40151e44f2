"""The parent's side of a stateful engine in a child process.

The audio of an open utterance is kept here until the utterance ends. When the child dies, the next one is given all of
that audio again, and the utterance continues.
"""

from itertools import count

import numpy as np

from auricle.engines.isolation.child_process import MakeRequest
from auricle.engines.isolation.isolated_engine import IsolatedEngine
from auricle.engines.isolation.messages import (
    Accept,
    BeginUtterance,
    Finish,
    Hypothesis,
    Ready,
    Release,
    UnknownUtterance,
)
from auricle.engines.isolation.supervisor import Supervisor
from auricle.engines.protocol import (
    ENGINE_RATE,
    EngineError,
    Samples,
    SessionParts,
    StreamConfig,
    Transcript,
    UtteranceDecoder,
)
from auricle.engines.scheduling.budgets import utterance_budget_s


class IsolatedStatefulEngine(IsolatedEngine):
    """A stateful engine that `load_isolated` has loaded."""

    def __init__(self, supervisor: Supervisor, ready: Ready, parts: SessionParts) -> None:
        super().__init__(supervisor, ready, parts)
        self._numbers = count(1)

    def begin(self, config: StreamConfig, start_sample: int) -> UtteranceDecoder:
        """Begin an utterance at engine sample ``start_sample`` of its session. Raises `EngineError`."""
        return IsolatedUtterance(self._supervisor, next(self._numbers), config, start_sample)


class IsolatedUtterance:
    """An utterance that a child process decodes; it continues in the next child when that one dies."""

    def __init__(self, supervisor: Supervisor, utterance: int, config: StreamConfig, start_sample: int) -> None:
        self._supervisor = supervisor
        self._utterance = utterance
        self._config = config
        self._start = start_sample
        self._audio: list[Samples] = []
        self._begin()

    def accept(self, audio: Samples) -> None:
        """Decode more audio, shape ``(n,)``. Raises `EngineError`."""
        self._audio.append(audio)
        try:
            self._call(lambda number: Accept(number=number, utterance=self._utterance, audio=audio))
        except UnknownUtterance:
            self._begin()

    def hypothesis(self) -> Transcript:
        """Return the hypothesis for the audio so far. Raises `EngineError`."""
        return self._request_transcript(lambda number: Hypothesis(number=number, utterance=self._utterance))

    def finish(self) -> Transcript:
        """End the utterance and return its transcript. Raises `EngineError`."""
        return self._request_transcript(lambda number: Finish(number=number, utterance=self._utterance))

    def close(self) -> None:
        """Release the decoder. Safe to call twice."""
        self._audio.clear()
        try:
            self._call(lambda number: Release(number=number, utterance=self._utterance))
        except EngineError:
            # Without a process there is no decoder to release.
            return

    def _request_transcript(self, make_request: MakeRequest) -> Transcript:
        try:
            transcripts = self._call(make_request)
        except UnknownUtterance:
            self._begin()
            transcripts = self._call(make_request)
        if len(transcripts) != 1:
            raise EngineError("The engine returned too few or too many transcripts.")
        return transcripts[0]

    def _begin(self) -> None:
        audio = np.concatenate(self._audio) if self._audio else np.zeros(0, dtype=np.float32)
        self._call(
            lambda number: BeginUtterance(
                number=number, utterance=self._utterance, config=self._config, start_sample=self._start, audio=audio
            )
        )

    def _call(self, make_request: MakeRequest) -> tuple[Transcript, ...]:
        audio_s = sum(map(len, self._audio)) / ENGINE_RATE
        return self._supervisor.call(make_request, utterance_budget_s(audio_s))
