"""What an engine is: the two kinds, what they are given, and what a session gets back.

An engine is synchronous and is only ever called from worker threads, one call at a time for each object it hands
out. Third parties register a factory under the entry-point group ``auricle.engines``; see `auricle.engines.registry`.

Two timelines meet here. Engines hear 16 kHz mono float32 and count *engine samples*; a session counts samples at the
rate the client declared. `auricle.engines.session.recogniser` is the only place that converts between the two.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from auricle.core.parts import AudioFormat, FinalReason

ENGINE_RATE: Final = 16_000
"""Sample rate of every engine, in Hz."""

Samples = NDArray[np.float32]
"""Mono audio at `ENGINE_RATE`, shape ``(n,)``, values in [-1, 1]."""

Features = NDArray[np.float32]
"""What an engine makes of audio before it hears it; its shape is the engine's own."""

LoadProgress = Callable[[str, float | None], None]
"""Called by `load` with a stage and a fraction in [0, 1] where it is known. May be called from any thread."""


class EngineError(Exception):
    """An engine could not do what it was asked. The message is one sentence fit for a user."""


class EngineUnavailable(EngineError):
    """The engine cannot be used here at all: no model, no library. Says what was tried and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """Who answers: told to clients in ``ready.server``."""

    name: str
    model: str
    device: str = "cpu"
    version: str | None = None
    languages: tuple[str, ...] | None = None
    """Languages it understands, or None when it takes any."""
    tasks: tuple[Literal["transcribe", "translate"], ...] = ("transcribe",)


OFFLINE_SILENCE_S: Final = 2.0
"""Silence that ends an utterance of a recording, unless the client says otherwise: faster-whisper's voice filter has
the same. What is said before and after a shorter pause is heard in one window."""
OFFLINE_SEGMENT_S: Final = 28.0
"""Longest utterance of a recording: what Whisper hears at a time, with a little silence behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamConfig:
    """What a session asks of its recogniser."""

    audio: AudioFormat = field(default_factory=AudioFormat)
    language: str | None = None
    task: Literal["transcribe", "translate"] = "transcribe"
    partials: bool = True
    stable_prefix: bool = True
    """Whether partials promise how they go on; a final then begins with what was promised."""
    silence_s: float = 0.5
    max_segment_s: float = 24.0
    offline: bool = False
    """Nobody waits for results: windows are filled across pauses, there are no partials, and nothing is promised."""
    terms: tuple[str, ...] = ()
    prompt: str | None = None


# ---------------------------------------------------------------------------- what engines say


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedWord:
    """A word; ``start_s`` and ``end_s`` count from the first sample of the audio the engine was given."""

    text: str
    start_s: float
    end_s: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What an engine heard in one utterance. ``stable`` code points of ``text`` will not change any more.

    Only a stateful engine can promise that: of a window engine, which decodes each window anew, it is ignored.
    """

    text: str
    words: tuple[TimedWord, ...] = ()
    confidence: float = 0.0
    language: str | None = None
    stable: int = 0
    avg_logprob: float | None = None
    """Mean natural logarithm of the probability of a token, where the engine knows it."""
    no_speech_prob: float | None = None
    """Probability in [0, 1] that nobody spoke, where the engine knows it."""
    believed: bool = True
    """False: a guard against repetition tripped. A partial like that is not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A piece of audio to decode, with what is known about it."""

    audio: Samples
    config: StreamConfig
    final: bool
    """True when the result will be committed: take the time to do it well."""
    start_sample: int = 0
    """Where the audio begins, in engine samples of its session."""
    timed: bool = True
    """Whether the words are wanted with their times, which costs an alignment; without, only the text is."""
    context: str = ""
    """What was said just before, and is not in the audio."""
    language: str | None = None
    """What the session was found to speak, where ``config`` leaves that open; None: not known yet."""
    features: Features | None = None
    """Of the audio, where the engine has a `FeatureCache` (`SessionParts`)."""
    told_after: tuple[float, float] | None = None
    """A pause in the audio, begin and end in seconds: what was said before it is there to be heard with what follows,
    and is not part of the transcript. None: all of it is."""
    voiced: tuple[tuple[float, float], ...] | None = None
    """Where the voice detector found speech: begins and ends in seconds from the first sample of the audio, in order.
    None: not known."""


class VoiceDetector(Protocol):
    """Tells speech from the rest in blocks, which come in order. It must not matter how many come at a time."""

    def __call__(self, blocks: Samples, /) -> Sequence[float]:
        """Return the probability in [0, 1] that each of the blocks, shape ``(any, BLOCK)``, holds speech."""


BLOCK: Final = 512
"""Engine samples in a block of voice detection: 32 ms, the size Silero VAD was trained with."""


@runtime_checkable
class Engine(Protocol):
    """What both kinds have in common."""

    @property
    def info(self) -> EngineInfo:
        """Who answers. Valid after `load`."""

    def load(self, progress: LoadProgress) -> None:
        """Make the model ready. Raises `EngineUnavailable` when it cannot be had."""

    def voice_detector(self, config: StreamConfig) -> VoiceDetector:
        """Return a fresh voice detector for one session."""

    def close(self) -> None:
        """Free the model. Called once, after every session has gone."""


@runtime_checkable
class StoppableEngine(Engine, Protocol):
    """An engine whose calls can be ended from outside, like one in a process of its own."""

    def stop(self) -> None:
        """Make all calls return soon, with an `EngineError`. Safe at any time, from any thread; `close` still comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """How many windows an engine takes at a time."""

    count: int = 1
    """Calls of `WindowEngine.decode` that gain from running side by side."""
    batch: int = 1
    """Windows in one call, at most."""
    buckets: tuple[int, ...] = ()
    """Lengths in engine samples, growing: windows between the same two of them gain from being in one call."""


@runtime_checkable
class WindowEngine(Engine, Protocol):
    """Decodes windows of audio, each on its own (Whisper)."""

    @property
    def lanes(self) -> Lanes:
        """How many windows it takes at a time. Valid after `load`."""

    def decode(self, windows: Sequence[Window]) -> Sequence[Transcript]:
        """Return one transcript for each window, in order. Raises `EngineError`."""


class AudioSource(Protocol):
    """Audio of a session that is still held: `auricle.engines.audio.retained_audio.RetainedAudio`."""

    def slice(self, begin: int, end: int) -> Samples:
        """Return a copy of the engine samples from ``begin`` to ``end``. Raises `IndexError` for what is not held."""


class FeatureCache(Protocol):
    """Features of one session: each is computed once, however many windows show it. Nothing is computed in silence."""

    def window(self, audio: AudioSource, begin: int, end: int) -> Features:
        """Return the features of the engine samples from ``begin`` to ``end``. They depend on these samples alone."""

    def forget_before(self, position: int) -> None:
        """Give up what only windows that begin before ``position`` would need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionParts:
    """What of an engine lives with its sessions, wherever the model itself may run. Both can be pickled."""

    voice_detector: Callable[[StreamConfig], VoiceDetector]
    """Makes the voice detector of one session."""
    features: Callable[[], FeatureCache] | None = None
    """Makes the feature cache of one session; None: the engine takes audio alone."""


@runtime_checkable
class PartedEngine(Engine, Protocol):
    """An engine whose model can run in another process than its sessions."""

    def session_parts(self) -> SessionParts:
        """Return what the sessions need of it. Valid after `load`."""


class UtteranceDecoder(Protocol):
    """One utterance in the hands of a stateful engine."""

    def accept(self, audio: Samples) -> None:
        """Hear more. Raises `EngineError`."""

    def hypothesis(self) -> Transcript:
        """What it sounds like so far, cheaply."""

    def finish(self) -> Transcript:
        """End the utterance and return what it was. Nothing may be called afterwards but `close`."""

    def close(self) -> None:
        """Give the decoder back. Safe to call twice, and instead of `finish`."""


@runtime_checkable
class StatefulEngine(Engine, Protocol):
    """Accepts audio as it comes and always has a hypothesis (pocketsphinx)."""

    def begin(self, config: StreamConfig, start_sample: int) -> UtteranceDecoder:
        """Begin an utterance whose first sample is engine sample ``start_sample`` of its session."""


# ---------------------------------------------------------------------------- what a session gets


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStarted:
    """Somebody began to speak. Positions in all results are session samples at the declared rate."""

    at_sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechEnded:
    """The speech that had started is over."""

    at_sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialResult:
    """The open utterance so far; times are seconds of session time."""

    text: str
    start_s: float
    end_s: float
    stable: int = 0
    confidence: float | None = None
    words: tuple[TimedWord, ...] = ()
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalResult:
    """An utterance, done. It accounts for every sample from the last committed one up to ``end_sample``."""

    end_sample: int
    text: str
    start_s: float
    end_s: float
    confidence: float
    reason: FinalReason
    words: tuple[TimedWord, ...] = ()
    language: str | None = None
    avg_logprob: float | None = None
    no_speech_prob: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UtteranceFailed:
    """The engine failed on the open utterance: everything up to ``end_sample`` that is not committed is lost."""

    end_sample: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Processed:
    """Every sample before ``upto_sample`` has been heard by the engine."""

    upto_sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlushDone:
    """Everything before ``upto_sample`` is decided: finals said, the rest of it is non-speech."""

    flush_id: str
    upto_sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamDone:
    """The input has ended and everything is decided: finals said, the rest is non-speech. The last result."""

    upto_sample: int


Result = (
    SpeechStarted | SpeechEnded | PartialResult | FinalResult | UtteranceFailed | Processed | FlushDone | StreamDone
)
