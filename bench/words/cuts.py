"""Plain faster-whisper on the utterances that live sessions hear: what cutting at pauses costs, whoever decodes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clips import LEAD_S
from cpu import metered
from faster_whisper import WhisperModel
from words.files import recording_of
from words.heard import Heard, Hearing, heard_of
from words.samples import Sample
from words.virtual import fixed, play_virtually, tape_of

from auricle.engines.protocol import (
    BLOCK,
    EngineInfo,
    Lanes,
    LoadProgress,
    StreamConfig,
    Transcript,
    VoiceDetector,
    Window,
    WindowEngine,
)

BEAM_SIZE = 5
FRAME_S = 4 * BLOCK / 16_000


class _PlainEngine:
    """A window engine that endpoints as ours does, and hears each utterance alone, with plain faster-whisper."""

    def __init__(self, ours: WindowEngine, model: WhisperModel) -> None:
        self._ours = ours
        self._model = model
        self.lanes = Lanes()
        """No buckets: windows hold nothing but their utterance."""

    @property
    def info(self) -> EngineInfo:
        """That of our engine."""
        return self._ours.info

    def load(self, progress: LoadProgress) -> None:
        """Both models are loaded."""

    def close(self) -> None:
        """They belong to others."""

    def voice_detector(self, config: StreamConfig) -> VoiceDetector:
        """Return ours."""
        return self._ours.voice_detector(config)

    def decode(self, windows: Sequence[Window]) -> list[Transcript]:
        """Return what plain faster-whisper makes of each window."""
        return [self._transcript(window) for window in windows]

    def _transcript(self, window: Window) -> Transcript:
        language = window.config.language or window.language
        segments, _ = self._model.transcribe(window.audio, language=language, beam_size=BEAM_SIZE)
        return Transcript(text=" ".join(segment.text.strip() for segment in segments))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainOnCuts:
    """Plain faster-whisper on each utterance, as ``silence_s`` of silence ends them."""

    model: Callable[[], WhisperModel]
    engine: Callable[[], WindowEngine]
    silence_s: float
    detect_language: bool

    def hear(self, samples: Sequence[Sample], tell: Callable[[str], None]) -> Hearing:
        """Cut and transcribe one clip after the other."""
        engine = _PlainEngine(self.engine(), self.model())
        heard: list[Heard] = []
        cpu_s = wall_s = 0.0
        for sample in samples:
            tell(sample.name)
            tape = tape_of(sample, self.silence_s)
            language = None if self.detect_language else sample.language
            config = StreamConfig(language=language, silence_s=self.silence_s, partials=False)
            with metered() as used:
                said = play_virtually(engine, tape, config, frame_s=FRAME_S, delay=fixed(0.0))
            recording = recording_of(tape, said, FRAME_S)
            heard.append(heard_of(sample.name, recording, offset_s=LEAD_S, paced=False, cpu_s=used.cpu_s))
            cpu_s += used.cpu_s
            wall_s += used.wall_s
        return Hearing(heard=tuple(heard), cpu_s=cpu_s, wall_s=wall_s)
