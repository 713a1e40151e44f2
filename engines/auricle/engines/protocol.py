"""The interface of an engine: its two kinds, what they are given, what they return, and the results of a session.

An engine is synchronous and is called only from worker threads. Calls of the objects that it returns (detectors,
utterance decoders, caches) never overlap for one object. Third parties register a factory under the entry-point group
``auricle.engines``; see `auricle.engines.registry`.

There are two timelines. Engines are given 16 kHz mono float32 and count *engine samples*; a session counts samples at
the rate that the client declared. `auricle.engines.audio.front_end` and the recognisers convert between the two.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from auricle.core.parts import AudioFormat, FinalReason
from auricle.engines.turn_results import TurnResult

ENGINE_RATE: Final = 16_000
"""Sample rate of every engine, in Hz."""

Samples = NDArray[np.float32]
"""Mono audio at `ENGINE_RATE`, shape ``(n,)``, values in [-1, 1]."""

Features = NDArray[np.float32]
"""Features that an engine computes from audio before decoding; the shape is the engine's own."""

LoadProgress = Callable[[str, float | None], None]
"""Called by `Engine.load` with a stage, and the fraction of it that is done in [0, 1], or None where it is not known.

It may be called from any thread."""


class EngineError(Exception):
    """An engine failed a call. The message is one sentence for users."""


class EngineUnavailable(EngineError):
    """The engine cannot be used at all: its model or a library is missing. The message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """Description of an engine, sent to clients in ``ready.server``."""

    name: str
    model: str
    device: str = "cpu"
    version: str | None = None
    languages: tuple[str, ...] | None = None
    """Languages it recognises; None: any."""
    tasks: tuple[Literal["transcribe", "translate"], ...] = ("transcribe",)


OFFLINE_SILENCE_S: Final = 2.0
"""Silence that ends an utterance of a recording, unless the client says otherwise: faster-whisper's voice filter has
the same. What is said before and after a shorter pause is heard in one window."""
OFFLINE_SEGMENT_S: Final = 28.0
"""Longest utterance of a recording: what Whisper hears at a time, with a little silence behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamConfig:
    """The configuration of one session's recognition."""

    audio: AudioFormat = field(default_factory=AudioFormat)
    language: str | None = None
    """BCP 47 tag; None: the engine detects the language, or has only one."""
    languages: tuple[str, ...] = ()
    """BCP 47 tags among which it is detected; empty: among all that the engine knows."""
    language_per_utterance: bool = False
    """Whether the language is detected in every utterance anew; else the first that is long enough decides it."""
    task: Literal["transcribe", "translate"] = "transcribe"
    partials: bool = True
    """Whether partials are wanted."""
    stable_prefix: bool = True
    """Whether partials promise how they go on; a final then begins with what was promised."""
    silence_s: float = 0.5
    """Seconds of silence that end an utterance."""
    pause_s: float | None = None
    """Seconds of silence after which a partial tells that the speaker has paused; None: none does."""
    max_segment_s: float = 24.0
    """Longest utterance in seconds; a longer one is cut."""
    offline: bool = False
    """Nobody waits for results: windows are filled across pauses, there are no partials, and nothing is promised."""
    terms: tuple[str, ...] = ()
    """Names and terms that are likely to be spoken."""
    prompt: str | None = None
    """Text that the engine takes as context, where it supports that."""
    tried: bool = False
    """Nobody's session: the engine is tried on a built-in clip, and what it says of that is of no interest."""


OFFLINE_DEFAULTS: Final = StreamConfig(silence_s=OFFLINE_SILENCE_S, max_segment_s=OFFLINE_SEGMENT_S, offline=True)
"""The configuration of a recording where the client says no more than that."""


# ---------------------------------------------------------------------------- input and output of engines


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedWord:
    """A word with its times in seconds, counted from the first sample of the audio that the engine was given."""

    text: str
    start_s: float
    end_s: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """An engine's transcript of one utterance or one window."""

    text: str
    words: tuple[TimedWord, ...] = ()
    confidence: float = 0.0
    """Probability in [0, 1] that the text is right."""
    language: str | None = None
    stable: int = 0
    """Code points at the beginning of ``text`` that no later hypothesis of the utterance will change.

    Only a stateful engine can guarantee that; from a window engine, which decodes each window anew, it is ignored."""
    avg_logprob: float | None = None
    """Mean natural logarithm of the probability of a token, where the engine knows it."""
    no_speech_prob: float | None = None
    """Probability in [0, 1] that the audio holds no speech, where the engine knows it."""
    tries: int = 1
    """How often the window was decoded: a doubtful final is decoded again."""
    believed: bool = True
    """False when a guard against hallucination has tripped. Such a transcript is not shown as a partial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A window of audio to decode, with its context."""

    audio: Samples
    config: StreamConfig
    final: bool
    """Whether the transcript will be committed as a final; worth a slower and more accurate decode."""
    start_sample: int = 0
    """Position of the first sample, in engine samples of the session."""
    timed: bool = True
    """Whether the words are wanted with their times, which takes an alignment; otherwise the text is enough."""
    context: str = ""
    """Text that was spoken before the window and is not in its audio."""
    language: str | None = None
    """Language detected in the session, where ``config`` names none; None: not detected yet."""
    features: Features | None = None
    """Features of the audio, where the engine has a `FeatureCache` (`SessionParts`)."""
    told_after: tuple[float, float] | None = None
    """A pause in the audio, begin and end in seconds from its first sample. Speech before the pause is acoustic context
    and must not appear in the transcript. None: the transcript covers all of the audio."""
    voiced: tuple[tuple[float, float], ...] | None = None
    """Voiced spans: pairs of begin and end in seconds from the first sample of the audio, in order. None: not known."""


class VoiceDetector(Protocol):
    """A voice activity detector (VAD) for one session. Blocks are given in order, any number at a time.

    The result must not depend on how many blocks a call has.
    """

    def __call__(self, blocks: Samples, /) -> Sequence[float]:
        """Return the probability in [0, 1] that each of the blocks, shape ``(any, BLOCK)``, holds speech."""


BLOCK: Final = 512
"""Engine samples in a block of voice detection: 32 ms, the size Silero VAD was trained with."""


@runtime_checkable
class Engine(Protocol):
    """What both kinds of engine have in common."""

    @property
    def info(self) -> EngineInfo:
        """Description of the engine. Valid after `load`."""

    def load(self, progress: LoadProgress) -> None:
        """Load the model and report the progress. Raises `EngineUnavailable` when it cannot be loaded."""

    def voice_detector(self, config: StreamConfig) -> VoiceDetector:
        """Return a new voice detector for one session."""

    def close(self) -> None:
        """Free the model. Called once, after every session has ended."""


@runtime_checkable
class StoppableEngine(Engine, Protocol):
    """An engine whose running calls can be ended from outside, such as one in a process of its own."""

    def stop(self) -> None:
        """Make running calls raise `EngineError` soon. Safe at any time, from any thread; `close` is still called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """How many windows a window engine decodes at once. Raises `ValueError` for what nobody could schedule by."""

    count: int = 1
    """Calls of `WindowEngine.decode` that may run concurrently with a gain. 0: none just now, where workers come and
    go; then calls are made one by one, and wait in the engine."""
    batch: int = 1
    """Batch limit: most windows in one call."""
    buckets: tuple[int, ...] = ()
    """Window lengths in engine samples, increasing. Windows that fit the same shortest bucket gain from one call."""

    def __post_init__(self) -> None:
        """Refuse what nobody could schedule by."""
        if self.count < 0 or self.batch < 1:
            raise ValueError(f"An engine has lanes, and a batch of one at least, not {self.count} and {self.batch}.")
        if any(length < 1 for length in self.buckets) or any(one >= two for one, two in pairwise(self.buckets)):
            raise ValueError(f"Window lengths increase from one sample on, and {self.buckets} do not.")


@runtime_checkable
class WindowEngine(Engine, Protocol):
    """An engine that decodes windows of audio, each on its own (Whisper)."""

    @property
    def lanes(self) -> Lanes:
        """How many windows it decodes at once. Valid after `load`."""

    def decode(self, windows: Sequence[Window]) -> Sequence[Transcript]:
        """Return one transcript for each window, in order; at most ``lanes.batch`` windows. Raises `EngineError`."""


class AudioSource(Protocol):
    """The retained audio of a session (`auricle.engines.audio.retained_audio.RetainedAudio`)."""

    def slice(self, begin: int, end: int) -> Samples:
        """Return a copy of the engine samples from ``begin`` to ``end``. Raises `IndexError` for what is not held."""


class FeatureCache(Protocol):
    """A cache of one session's features. Each is computed once, for the first window that covers it."""

    def window(self, audio: AudioSource, begin: int, end: int) -> Features:
        """Return the features of the engine samples from ``begin`` to ``end``; they depend on these samples alone."""

    def forget_before(self, position: int) -> None:
        """Release features that only windows that begin before engine sample ``position`` could use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionParts:
    """The parts of an engine that run with its sessions, wherever the model runs."""

    voice_detector: Callable[[StreamConfig], VoiceDetector]
    """Creates the voice detector of one session."""
    features: Callable[[], FeatureCache] | None = None
    """Creates the feature cache of one session; None: the engine takes audio only."""


@runtime_checkable
class PartedEngine(Engine, Protocol):
    """An engine whose model can run in another process than the sessions.

    Beside the module of its factory there is a module ``session_parts`` with a function of that name, which makes the
    parts of `parts_description` where the sessions run, without the engine: ``session_parts(description)``.
    """

    def session_parts(self) -> SessionParts:
        """Return the parts that run with the sessions. Valid after `load`."""

    def parts_description(self) -> Mapping[str, object]:
        """Return all that these parts depend on, as plain JSON. Valid after `load`."""


class UtteranceDecoder(Protocol):
    """The decoder of one utterance of a stateful engine."""

    def accept(self, audio: Samples) -> None:
        """Decode more audio, shape ``(n,)``. Raises `EngineError`."""

    def hypothesis(self) -> Transcript:
        """Return the transcript of the audio so far. Called several times a second. Raises `EngineError`."""

    def finish(self) -> Transcript:
        """End the utterance and return its transcript. Only `close` is called afterwards. Raises `EngineError`."""

    def close(self) -> None:
        """Release the decoder. Safe to call twice, and instead of `finish`."""


@runtime_checkable
class StatefulEngine(Engine, Protocol):
    """An engine that decodes audio as it arrives and has a hypothesis at any time (pocketsphinx)."""

    def begin(self, config: StreamConfig, start_sample: int) -> UtteranceDecoder:
        """Begin an utterance at engine sample ``start_sample`` of its session. Raises `EngineError`."""


# ---------------------------------------------------------------------------- results of a session


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStarted:
    """Speech began at ``at_sample``. Positions in all results are session samples at the declared rate."""

    at_sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechEnded:
    """The speech that had started ended at ``at_sample``."""

    at_sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialResult:
    """A partial: the open utterance so far. Times are seconds of session time."""

    text: str
    start_s: float
    end_s: float
    stable: int = 0
    """Length of the stable prefix in code points: every later partial, and the final, begins with ``text[:stable]``."""
    pause_s: float | None = None
    """How long nobody had spoken, once that is `StreamConfig.pause_s` or more: the text is that of the final, unless
    somebody speaks on."""
    confidence: float | None = None
    words: tuple[TimedWord, ...] = ()
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalResult:
    """A final: the transcript of an utterance. It accounts for all uncommitted samples up to ``end_sample``."""

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
    doubtful: bool = False
    """Whether the engine's checks still speak against the text after it was decoded again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UtteranceFailed:
    """The engine failed on the open utterance: the uncommitted samples up to ``end_sample`` are lost."""

    end_sample: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Processed:
    """All samples before ``upto_sample`` have been processed."""

    upto_sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlushDone:
    """All samples before ``upto_sample`` are decided: they are in finals or failures, or are non-speech."""

    flush_id: str
    upto_sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamDone:
    """The input has ended and all samples are decided: in finals or failures, or non-speech. The last result."""

    upto_sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMoved:
    """The engine has begun a call, for others or for this session, which waits for a final: that is progress.

    Only sessions of a window engine that run under an `EngineActor` have it.
    """

    engine_s: float
    """Seconds after which the final is there, or the queue has moved again, as far as can be predicted."""


Result = (
    SpeechStarted | SpeechEnded | PartialResult | FinalResult | UtteranceFailed | Processed | QueueMoved | FlushDone
    | TurnResult | StreamDone
)  # fmt: skip
