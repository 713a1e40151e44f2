"""One clip said to one `AgentSession`, in real time, with a language model that records when it is started.

The session is the framework's own, with nothing replaced but the microphone, the model and the text that comes out.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from livekit import rtc
from livekit.agents import Agent, AgentSession, TurnHandlingOptions, llm
from livekit.agents.types import APIConnectOptions
from livekit.agents.voice import io
from livekit.plugins.auricle import STT

from auricle.engines.protocol import ENGINE_RATE, Samples

LEAD_S: Final = 0.5
"""Silence before the clip: the stream has connected by then."""
REST_S: Final = 5.0
"""Silence behind the clip: longer than any mode waits for the end of a turn."""
FRAME_S: Final = 0.02
LOUD: Final = 0.02
"""Share of the loudest frame's amplitude (RMS) from which on a frame is speech: -34 dB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """How a session decides about turns. ``detection`` None: the framework's defaults."""

    detection: Any
    preflight_after: float | None
    first_token_s: float
    silence_s: float | None = None
    detect_turns: bool = True
    turn_threshold: float | None = None
    turn_silence_s: float | None = None
    turn_timeout_s: float | None = None
    min_delay_s: float | None = None
    """The framework's shortest wait; None: its default."""


@dataclass(slots=True)
class Talk:
    """What came of one clip. Times in seconds, counted from the first sample that the microphone gave."""

    clip: str
    end_s: float
    """True end of speech."""
    starts: list[tuple[float, str]] = field(default_factory=list)
    """When the model was started, and on what words."""
    turns: list[tuple[float, str]] = field(default_factory=list)
    """When a turn was committed, and its words."""
    answers: list[float] = field(default_factory=list)
    """When the first token of an answer came out of the session."""
    finals: list[tuple[float, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def early(self) -> int:
        """How many turns were committed while the speaker was in mid-sentence."""
        return sum(at < self.end_s for at, _ in self.turns)

    @property
    def answer_s(self) -> float | None:
        """From the true end of speech to the first token of the last answer; None where there was none after it."""
        after = [at - self.end_s for at in self.answers if at >= self.end_s]
        return after[-1] if after else None

    @property
    def commit_s(self) -> float | None:
        """From the true end of speech to the last commit."""
        after = [at - self.end_s for at, _ in self.turns if at >= self.end_s]
        return after[-1] if after else None


def end_of_speech(samples: Samples) -> float:
    """Return where the last loud frame of a clip ends, in seconds."""
    size = round(FRAME_S * ENGINE_RATE)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    levels = np.sqrt((frames.astype(np.float64) ** 2).mean(axis=1))
    return float(np.flatnonzero(levels >= LOUD * levels.max())[-1] + 1) * FRAME_S


class _Microphone(io.AudioInput):
    """Gives 16-bit samples at the pace of speech, and silence after them."""

    def __init__(self, pcm: bytes) -> None:
        super().__init__(label="clip")
        self.done = asyncio.Event()
        """Set when `REST_S` of silence have followed the clip."""
        self._pcm = pcm
        self._last_frame = round((len(pcm) / 2 / ENGINE_RATE + REST_S) / FRAME_S)
        self._frames = 0
        self.began_s: float | None = None
        """On the event loop's clock."""

    async def __anext__(self) -> rtc.AudioFrame:
        now = asyncio.get_running_loop().time()
        if self.began_s is None:
            self.began_s = now
        await asyncio.sleep(self.began_s + (self._frames + 1) * FRAME_S - now)
        samples = round(FRAME_S * ENGINE_RATE)
        at = self._frames * 2 * samples
        self._frames += 1
        if self._frames >= self._last_frame:
            self.done.set()
        return rtc.AudioFrame(self._pcm[at : at + 2 * samples].ljust(2 * samples, b"\0"), ENGINE_RATE, 1, samples)

    def time(self) -> float:
        """Return the seconds since the first frame began."""
        return asyncio.get_running_loop().time() - (self.began_s or 0.0)


class _CountingModel(llm.LLM[Any]):
    """Answers with one token, ``first_token_s`` after it was started."""

    def __init__(self, talk: Talk, microphone: _Microphone, first_token_s: float) -> None:
        super().__init__()
        self.first_token_s = first_token_s
        self._talk = talk
        self._microphone = microphone

    def chat(self, *, chat_ctx: llm.ChatContext, **options: Any) -> llm.LLMStream:
        """Record a start."""
        said = [item.text_content or "" for item in chat_ctx.items if isinstance(item, llm.ChatMessage)]
        self._talk.starts.append((self._microphone.time(), said[-1]))
        conn_options = options.get("conn_options") or APIConnectOptions()
        return _CountingStream(self, chat_ctx=chat_ctx, tools=[], conn_options=conn_options)


class _CountingStream(llm.LLMStream):
    async def _run(self) -> None:
        assert isinstance(self._llm, _CountingModel)
        await asyncio.sleep(self._llm.first_token_s)
        delta = llm.ChoiceDelta(role="assistant", content="Indeed.")
        self._event_ch.send_nowait(llm.ChatChunk(id="1", delta=delta))


class _Answers(io.TextOutput):
    """Records when the text of an answer begins."""

    def __init__(self, talk: Talk, microphone: _Microphone) -> None:
        super().__init__(label="answers", next_in_chain=None)
        self._talk = talk
        self._microphone = microphone
        self._answering = False

    async def capture_text(self, text: str) -> None:
        """Take a piece of an answer."""
        if not self._answering:
            self._answering = True
            self._talk.answers.append(self._microphone.time())

    def flush(self) -> None:
        """End the answer."""
        self._answering = False


class _Listener(Agent):
    def __init__(self, talk: Talk, microphone: _Microphone) -> None:
        super().__init__(instructions="Answer in a word.")
        self._talk = talk
        self._microphone = microphone

    async def on_user_turn_completed(self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage) -> None:
        self._talk.turns.append((self._microphone.time(), new_message.text_content or ""))


async def converse(url: str, name: str, samples: Samples, mode: Mode) -> Talk:
    """Say a clip to a session of its own, and return what came of it."""
    talk = Talk(clip=name, end_s=LEAD_S + end_of_speech(samples))
    pcm = np.concatenate((np.zeros(round(LEAD_S * ENGINE_RATE), np.float32), samples))
    microphone = _Microphone((pcm * 32767).astype("<i2").tobytes())
    stt = STT(
        url=url,
        language="en",
        silence=mode.silence_s,
        preflight_after=mode.preflight_after,
        detect_turns=mode.detect_turns,
        turn_threshold=mode.turn_threshold,
        turn_silence=mode.turn_silence_s,
        turn_timeout=mode.turn_timeout_s,
    )
    model = _CountingModel(talk, microphone, mode.first_token_s)
    handling = TurnHandlingOptions()
    if mode.detection is not None:
        handling["turn_detection"] = mode.detection
    if mode.min_delay_s is not None:
        handling["endpointing"] = {"min_delay": mode.min_delay_s}
    session: AgentSession[Any] = AgentSession(stt=stt, llm=model, turn_handling=handling)
    session.on("error", lambda event: talk.errors.append(str(event.error)))
    session.on(
        "user_input_transcribed",
        lambda event: talk.finals.append((microphone.time(), event.transcript)) if event.is_final else None,
    )
    session.input.audio = microphone
    session.output.transcription = _Answers(talk, microphone)
    await session.start(_Listener(talk, microphone))
    try:
        await microphone.done.wait()
    finally:
        await session.aclose()
        await stt.aclose()
    return talk
