"""Detectors of turns as the framework takes them, on text and on audio. They know how the scripted speech is meant.

A turn that ends with an even word is over, as for the fake engine; the framework waits for `MAX_DELAY_S` at any other
pause, and for `MIN_DELAY_S` at an end.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from livekit import rtc
from livekit.agents import llm
from livekit.agents.voice import turn

MIN_DELAY_S = 0.3
MAX_DELAY_S = 2.0
LIKELY, UNLIKELY, THRESHOLD = 0.95, 0.05, 0.5


def probability(last_word: int) -> float:
    return LIKELY if last_word % 2 == 0 else UNLIKELY


class TextDetector:
    """Judges by the conversation so far, as ``livekit-plugins-turn-detector`` does."""

    model = "fake-text"
    provider = "tests"

    def __init__(self) -> None:
        self.asked_about: list[str] = []

    async def unlikely_threshold(self, language: Any) -> float | None:
        return THRESHOLD

    async def supports_language(self, language: Any) -> bool:
        return True

    async def predict_end_of_turn(self, chat_ctx: llm.ChatContext, *, timeout: float | None = None) -> float:
        said = [item.text_content or "" for item in chat_ctx.items if isinstance(item, llm.ChatMessage)]
        self.asked_about.append(said[-1])
        return probability(int(said[-1].split()[-1].removeprefix("w")))


class AudioDetector:
    """Judges by the audio, as `inference.TurnDetector` does: the framework hands it every frame."""

    model = "fake-audio"
    provider = "tests"

    def __init__(self) -> None:
        self.streams: list[_AudioStream] = []

    @property
    def asked_about(self) -> list[int]:
        """The last word before each question."""
        return [word for stream in self.streams for word in stream.asked_about]

    def stream(self, **options: Any) -> "_AudioStream":
        self.streams.append(_AudioStream())
        return self.streams[-1]


class _AudioStream:
    model = "fake-audio"
    provider = "tests"
    is_fallback = False
    prediction_timeout = 1.0

    def __init__(self) -> None:
        self.asked_about: list[int] = []
        self._last_word = 0

    async def unlikely_threshold(self, language: Any) -> float | None:
        return THRESHOLD

    async def backchannel_threshold(self, language: Any) -> float | None:
        return None

    async def supports_language(self, language: Any) -> bool:
        return True

    def push_audio(self, frame: rtc.AudioFrame) -> None:
        values = np.frombuffer(frame.data, dtype=np.int16)
        if values.any():
            self._last_word = int(values[-1])

    def predict(self) -> "asyncio.Future[turn.TurnDetectionEvent]":
        self.asked_about.append(self._last_word)
        future: asyncio.Future[turn.TurnDetectionEvent] = asyncio.get_running_loop().create_future()
        future.set_result(
            turn.TurnDetectionEvent(
                type="eot_prediction",
                end_of_turn_probability=probability(self._last_word),
                last_speaking_time=time.time(),
            )
        )
        return future

    def cancel_inference(self, *, timed_out: bool = False) -> None:
        """Nothing is under way: `predict` has its answer at once."""

    def flush(self, reason: str | None = None) -> None:
        """There is nothing to forget."""

    def end_input(self) -> None:
        """There is nothing to end."""

    async def aclose(self) -> None:
        """There is nothing to close."""


MAKERS: dict[str, Callable[[], TextDetector | AudioDetector]] = {"on text": TextDetector, "on audio": AudioDetector}
