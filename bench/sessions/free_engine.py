"""An engine that costs nothing: what is left is the server."""

from collections.abc import Sequence

from auricle.engines.protocol import (
    BLOCK,
    Engine,
    EngineInfo,
    Lanes,
    LoadProgress,
    Samples,
    StreamConfig,
    TimedWord,
    Transcript,
    VoiceDetector,
    Window,
)

BATCH = 32
LANES = 16
WORDS = tuple(
    TimedWord(text=text, start_s=at * 0.1, end_s=at * 0.1 + 0.1, confidence=0.9)
    for at, text in enumerate(["what", "is", "said", "here", "is", "of", "no", "interest", "and", "costs", "nothing"])
)
HEARD = Transcript(text=" ".join(word.text for word in WORDS), words=WORDS, confidence=0.9)


class FreeEngine:
    """The window kind, as Whisper is. Where ``speaks`` everybody always does, and otherwise nobody ever does."""

    def __init__(self, *, speaks: bool) -> None:
        self._probability = 1.0 if speaks else 0.0

    @property
    def info(self) -> EngineInfo:
        """Description of the engine."""
        return EngineInfo(name="free", model="free")

    @property
    def lanes(self) -> Lanes:
        """So many that a server that knows nothing of it yet admits everybody; its calls take no time."""
        return Lanes(count=LANES, batch=BATCH)

    def load(self, progress: LoadProgress) -> None:
        """Do nothing."""

    def voice_detector(self, config: StreamConfig) -> VoiceDetector:
        """Return a detector that hears voice in everything, or in nothing."""

        def detect(blocks: Samples, /) -> Sequence[float]:
            return [self._probability] * (blocks.size // BLOCK)

        return detect

    def decode(self, windows: Sequence[Window]) -> Sequence[Transcript]:
        """Return the same for every window."""
        return [HEARD] * len(windows)

    def close(self) -> None:
        """Do nothing."""


def free_engine(*, speaks: bool) -> Engine:
    """Return such an engine."""
    return FreeEngine(speaks=speaks)
