"""An `AgentSession` without a cloud, on virtual time: the real framework, with a fake microphone, VAD and LLM."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import Agent, AgentSession, TurnHandlingOptions, llm, vad
from livekit.agents.types import APIConnectOptions
from livekit.agents.voice import io

from livekit_plugin.fake_engine import BLOCK, RATE, frame_of
from livekit_plugin.harness import Harness, now, run_scenario
from livekit_plugin.simulated_server import SimulatedServer

VAD_SILENCE_S = 0.25
"""Silence after which `FakeVAD` reports the end of speech."""


class ScriptedInput(io.AudioInput):
    """A microphone that gives 100 ms of each value, in real time, and then no more frames."""

    def __init__(self, *values: int) -> None:
        super().__init__(label="script")
        self._frames = [value for value in values for _ in range(10)]
        self._next = 0
        self._due: float | None = None

    async def __anext__(self) -> rtc.AudioFrame:
        if self._next == len(self._frames):
            await asyncio.Event().wait()
        self._due = (now() if self._due is None else self._due) + 0.01
        await asyncio.sleep(self._due - now())
        value = self._frames[self._next]
        self._next += 1
        return rtc.AudioFrame(frame_of(value), RATE, 1, BLOCK)


class FakeVAD(vad.VAD):
    """Takes every frame that is not zero for speech."""

    def __init__(self) -> None:
        super().__init__(capabilities=vad.VADCapabilities(update_interval=0.1))

    def stream(self) -> vad.VADStream:
        return _FakeVADStream(self)


class _FakeVADStream(vad.VADStream):
    async def _main_task(self) -> None:
        speech_s = silence_s = 0.0
        speaking = False
        frames: list[rtc.AudioFrame] = []
        async for frame in self._input_ch:
            if not isinstance(frame, rtc.AudioFrame):
                continue
            is_voiced = bool(np.frombuffer(frame.data, dtype=np.int16).any())
            if is_voiced:
                speech_s, silence_s = speech_s + frame.duration, 0.0
            else:
                silence_s += frame.duration
            frames.append(frame)
            self._tell_measured(speech_s if is_voiced else 0.0, silence_s)
            if not speaking and speech_s >= 0.05:
                speaking = True
                self._say(vad.VADEventType.START_OF_SPEECH, speech_s, silence_s)
            elif speaking and silence_s >= VAD_SILENCE_S:
                speaking = False
                self._say(vad.VADEventType.END_OF_SPEECH, speech_s, silence_s, frames)
                speech_s, frames = 0.0, []

    def _tell_measured(self, speech_s: float, silence_s: float) -> None:
        """Tell of every frame, as the framework's own detector does: a detector of turns on audio is asked by that."""
        self._event_ch.send_nowait(
            vad.VADEvent(
                type=vad.VADEventType.INFERENCE_DONE,
                samples_index=0,
                timestamp=time.time(),
                speech_duration=speech_s,
                silence_duration=silence_s,
                raw_accumulated_speech=speech_s,
                raw_accumulated_silence=silence_s,
            )
        )

    def _say(
        self, type: vad.VADEventType, speech_s: float, silence_s: float, frames: Sequence[rtc.AudioFrame] = ()
    ) -> None:
        self._event_ch.send_nowait(
            vad.VADEvent(
                type=type,
                samples_index=0,
                timestamp=time.time(),
                speech_duration=speech_s,
                silence_duration=silence_s,
                frames=list(frames),
            )
        )


class FakeLLM(llm.LLM):
    """Gives a fixed answer, and records the time and the last message of each request."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[tuple[float, str]] = []

    def chat(self, *, chat_ctx: llm.ChatContext, **options: Any) -> llm.LLMStream:
        said = [item.text_content or "" for item in chat_ctx.items if isinstance(item, llm.ChatMessage)]
        self.requests.append((now(), said[-1]))
        conn_options = options.get("conn_options") or APIConnectOptions()
        return _FakeLLMStream(self, chat_ctx=chat_ctx, tools=[], conn_options=conn_options)


class _FakeLLMStream(llm.LLMStream):
    async def _run(self) -> None:
        delta = llm.ChoiceDelta(role="assistant", content="indeed")
        self._event_ch.send_nowait(llm.ChatChunk(id="1", delta=delta))


@dataclass
class Turn:
    """A committed user turn: its time, its text and the framework's metrics of it."""

    at: float
    text: str
    metrics: dict[str, Any]


@dataclass
class SessionLog:
    """The events of an agent session."""

    turns: list[Turn] = field(default_factory=list)
    finals: list[tuple[float, str]] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    errors: list[Any] = field(default_factory=list)
    closed: list[Any] = field(default_factory=list)


class ListeningAgent(Agent):
    """An agent that records the user's turns."""

    def __init__(self, log: SessionLog, turned: Callable[[], None] = lambda: None) -> None:
        super().__init__(instructions="Listen.")
        self._log = log
        self._turned = turned

    async def on_user_turn_completed(self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage) -> None:
        metrics = dict(new_message.metrics or {})
        self._log.turns.append(Turn(now(), new_message.text_content or "", metrics))
        self._turned()


Scene = Callable[[Harness, AgentSession[Any], SessionLog], Awaitable[None]]


def converse(
    monkeypatch: pytest.MonkeyPatch,
    server: SimulatedServer,
    scene: Scene,
    *,
    handling: TurnHandlingOptions,
    hears: tuple[int, ...],
    vad: Any = None,
    llm: Any = None,
    stt: Callable[[Harness], Any] = lambda harness: harness.stt,
    **options: Any,
) -> SessionLog:
    """Run an agent session whose microphone gives a second of silence and then ``hears``."""
    log = SessionLog()

    async def scenario(harness: Harness) -> None:
        more = {"llm": llm} if llm is not None else {}
        session: AgentSession[Any] = AgentSession(stt=stt(harness), vad=vad, turn_handling=handling, **more)
        session.on("error", log.errors.append)
        session.on("close", log.closed.append)
        session.on("user_state_changed", lambda event: log.states.append(event.new_state))
        session.on(
            "user_input_transcribed",
            lambda event: log.finals.append((now(), event.transcript)) if event.is_final else None,
        )
        session.input.audio = ScriptedInput(*[0] * 10, *hears)
        await session.start(ListeningAgent(log))
        try:
            await scene(harness, session, log)
        finally:
            await session.aclose()

    run_scenario(monkeypatch, server, scenario, **options)
    return log
