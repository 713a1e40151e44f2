"""Whisper: decodes windows, each on its own, as `auricle.engines.whisper.decoder` does.

Silence never gets here: the voice detector sees to that. Sources: notes/streaming-whisper.md §1.3 and §1.4.
"""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import ctranslate2
from faster_whisper import WhisperModel

from auricle.engines.audio.silero_vad import silero_detector
from auricle.engines.compute import ENGINE_DEFAULTS, ComputeOptions
from auricle.engines.protocol import (
    Engine,
    EngineInfo,
    EngineUnavailable,
    Lanes,
    LoadProgress,
    SessionParts,
    StreamConfig,
    Transcript,
    VoiceDetector,
    Window,
)
from auricle.engines.whisper.batches import CPU_BATCH, GPU_BATCH
from auricle.engines.whisper.computing import require_computable
from auricle.engines.whisper.decoder import BEAM_SIZE, WhisperDecoder
from auricle.engines.whisper.models.resolution import HUB_DEFAULT_MODEL, default_model, resolve_model
from auricle.engines.whisper.models.window_settings import window_rules
from auricle.engines.whisper.processors import processors
from auricle.engines.whisper.session_parts import session_parts
from auricle.engines.whisper.window_length import WindowRules

GPU_LANES: Final = 2
"""While one is computed, the next is prepared."""
COMMON_FRAMES: Final = 1_000
"""Windows up to this length are common enough to be tried before anybody waits for one."""


class WhisperEngine:
    """The window kind."""

    def __init__(
        self,
        model: str = HUB_DEFAULT_MODEL,
        device: str | None = None,
        rules: WindowRules | None = None,
        beam_size: int = BEAM_SIZE,
        *,
        compute_type: str | None = None,
        threads: int | None = None,
    ) -> None:
        """``rules`` override what the model itself says of its windows; ``beam_size`` is that of finals.

        ``compute_type`` None is int8 on processors and float16 elsewhere; ``threads`` None are as many as there are
        `processors`.
        """
        self._name = model
        self._device = device or ("cuda" if ctranslate2.get_cuda_device_count() > 0 else "cpu")
        self._rules = rules
        self._beam_size = beam_size
        self._compute_type = compute_type
        self._threads = threads
        self._loading = threading.Lock()
        self._loaded: _Loaded | None = None

    @property
    def info(self) -> EngineInfo:
        """Who answers. The languages are known once it is loaded."""
        languages = None if self._loaded is None else tuple(self._loaded.model.supported_languages)
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
        """Find or download the model, load it and try it. Loading twice is loading once. Raises `EngineUnavailable`."""
        with self._loading:
            if self._loaded is not None:
                return
            folder = resolve_model(self._name, progress)
            progress(f"Loading the Whisper model {self._name}", None)
            # What is missing is said now, not to the first session.
            silero_detector(StreamConfig())
            rules = self._rules or window_rules(folder)
            loaded = _equipped(self._opened(folder), rules, self._beam_size)
            _warm_up(loaded, f"Warming up the Whisper model {self._name}", progress)
            self._loaded = loaded

    def voice_detector(self, config: StreamConfig) -> VoiceDetector:
        """Return a Silero detector. Raises `EngineUnavailable` before `load`."""
        return self._ready().parts.voice_detector(config)

    def session_parts(self) -> SessionParts:
        """Return the factories of detectors and of features. Raises `EngineUnavailable` before `load`."""
        return self._ready().parts

    def parts_description(self) -> Mapping[str, object]:
        """Return the number of mel bands. Raises `EngineUnavailable` before `load`."""
        return {"mels": self._ready().mels}

    @property
    def lanes(self) -> Lanes:
        """As many as CTranslate2 has workers. Raises `EngineUnavailable` before `load`."""
        return self._ready().lanes

    def decode(self, windows: Sequence[Window]) -> Sequence[Transcript]:
        """Return one transcript for each window. Raises `EngineError`."""
        return self._ready().decoder.decode(windows)

    def close(self) -> None:
        """Free the model."""
        self._loaded = None

    def _opened(self, folder: Path) -> WhisperModel:
        """Return the model with a worker for each lane. Raises `EngineUnavailable`."""
        device, _, index = self._device.partition(":")
        on_processors = device == "cpu"
        require_computable(device, self._compute_type)
        try:
            return WhisperModel(
                str(folder),
                device=device,
                device_index=int(index or 0),
                compute_type=self._compute_type or ("int8" if on_processors else "float16"),
                # Threads that share a window wait for each other more than they help.
                cpu_threads=1,
                num_workers=(self._threads or processors()) if on_processors else GPU_LANES,
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise EngineUnavailable(
                f"The Whisper model in {folder} cannot be loaded on {self._device}: {error}."
            ) from error

    def _ready(self) -> "_Loaded":
        if self._loaded is None:
            raise EngineUnavailable("Whisper has not been loaded.")
        return self._loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    """A model, and what it is used with."""

    model: WhisperModel
    decoder: WhisperDecoder
    rules: WindowRules
    lanes: Lanes
    parts: SessionParts
    mels: int
    """Bands of its features."""


def _equipped(model: WhisperModel, rules: WindowRules, beam_size: int) -> _Loaded:
    """Return the model with what is used with it."""
    whisper, mels = model.model, int(model.model.n_mels)
    batch = CPU_BATCH if whisper.device == "cpu" else GPU_BATCH
    return _Loaded(
        model=model,
        rules=rules,
        decoder=WhisperDecoder(model, rules=rules, batch=batch, beam_size=beam_size),
        lanes=Lanes(count=whisper.num_workers, batch=batch, buckets=rules.buckets(mels)),
        parts=session_parts({"mels": mels}),
        mels=mels,
    )


def _warm_up(loaded: _Loaded, stage: str, progress: LoadProgress) -> None:
    """Decode a window of silence of each common length, in all lanes at once: the first is slow."""
    common = [frames for frames in loaded.rules.lengths(int(loaded.model.model.n_mels)) if frames <= COMMON_FRAMES]
    with ThreadPoolExecutor(loaded.lanes.count) as lanes:
        for done, frames in enumerate(common):
            progress(stage, done / len(common))
            for tried in [lanes.submit(loaded.decoder.warm_up, frames) for _ in range(loaded.lanes.count)]:
                tried.result()
    progress(stage, 1.0)


def create_engine(model: str | None, language: str | None, compute: ComputeOptions = ENGINE_DEFAULTS) -> Engine:
    """Return the engine for ``model``, `default_model` without one; ``language`` is chosen by each session."""
    return WhisperEngine(
        model or default_model(language),
        compute.device,
        beam_size=compute.beam_size or BEAM_SIZE,
        compute_type=compute.compute_type,
        threads=compute.threads,
    )
