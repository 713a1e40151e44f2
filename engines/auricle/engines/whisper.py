"""Whisper: decodes windows, each on its own, as `auricle.engines.whisper_decoder` does.

Nothing of what was said before conditions a window: context is how Whisper comes to repeat itself. Silence never gets
here: the voice detector sees to that. Sources: notes/streaming-whisper.md §1.3 and §1.4.
"""

import threading
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import ctranslate2
from faster_whisper import WhisperModel

from auricle.engines.protocol import (
    Engine,
    EngineInfo,
    EngineUnavailable,
    Lanes,
    LoadProgress,
    StreamConfig,
    Transcript,
    VoiceDetector,
    Window,
)
from auricle.engines.silero import SileroModel
from auricle.engines.whisper_decoder import BATCH, WhisperDecoder
from auricle.engines.whisper_models import DEFAULT_MODEL, resolve_model


class WhisperEngine:
    """The window kind."""

    def __init__(self, model: str = DEFAULT_MODEL, device: str | None = None) -> None:
        self._name = model
        self._device = device or ("cuda" if ctranslate2.get_cuda_device_count() > 0 else "cpu")
        self._loading = threading.Lock()
        self._model: WhisperModel | None = None
        self._decoder: WhisperDecoder | None = None
        self._silero: SileroModel | None = None

    @property
    def info(self) -> EngineInfo:
        """Who answers. The languages are known once it is loaded."""
        languages = None if self._model is None else tuple(self._model.supported_languages)
        return EngineInfo(
            name="whisper",
            # Clients are told this: where a folder lies on this machine is none of their business.
            model=Path(self._name).name if Path(self._name).is_dir() else self._name,
            device=self._device,
            version=version("faster-whisper"),
            languages=languages,
            tasks=("transcribe",) if languages == ("en",) else ("transcribe", "translate"),
        )

    def load(self, progress: LoadProgress) -> None:
        """Find or download the model, and load it. Loading twice is loading once. Raises `EngineUnavailable`."""
        with self._loading:
            if self._model is not None:
                return
            folder = resolve_model(self._name, progress)
            progress(f"Loading the Whisper model {self._name}", None)
            silero = SileroModel()
            compute_type = "int8" if self._device == "cpu" else "float16"
            try:
                model = WhisperModel(str(folder), device=self._device, compute_type=compute_type)
            except (RuntimeError, ValueError, OSError) as error:
                raise EngineUnavailable(
                    f"The Whisper model in {folder} cannot be loaded on {self._device}: {error}."
                ) from error
            self._silero, self._model, self._decoder = silero, model, WhisperDecoder(model)

    def voice_detector(self, config: StreamConfig) -> VoiceDetector:
        """Return a Silero detector. Raises `EngineUnavailable` before `load`."""
        if self._silero is None:
            raise EngineUnavailable("Whisper has not been loaded.")
        return self._silero.listen()

    @property
    def lanes(self) -> Lanes:
        """One call at a time: CTranslate2 would queue more."""
        return Lanes(batch=BATCH)

    def decode(self, windows: Sequence[Window]) -> Sequence[Transcript]:
        """Return one transcript for each window. Raises `EngineError`."""
        if self._decoder is None:
            raise EngineUnavailable("Whisper has not been loaded.")
        return self._decoder.decode(windows)

    def close(self) -> None:
        """Free the model."""
        self._model = None
        self._decoder = None
        self._silero = None


def create_engine(model: str | None, language: str | None) -> Engine:
    """Return the engine for ``model``, `DEFAULT_MODEL` without one; ``language`` is chosen by each session."""
    return WhisperEngine(model or DEFAULT_MODEL)
