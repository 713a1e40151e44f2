"""Whisper, by faster-whisper: decodes windows, each on its own.

Partials are decoded once and without word times; finals may be tried twice, and their words are aligned. Nothing of
what was said before conditions a window: context is how Whisper comes to repeat itself. Silence never gets here: the
voice detector sees to that. Sources: notes/streaming-whisper.md §1.3 and §1.4.
"""

import threading
from collections.abc import Sequence
from importlib.metadata import version
from math import exp
from pathlib import Path
from typing import Final

import ctranslate2
from faster_whisper import WhisperModel
from faster_whisper.transcribe import Segment

from auricle.engines.protocol import (
    ENGINE_RATE,
    Engine,
    EngineError,
    EngineInfo,
    EngineUnavailable,
    LoadProgress,
    StreamConfig,
    TimedWord,
    Transcript,
    VoiceDetector,
    Window,
)
from auricle.engines.silero import SileroModel
from auricle.engines.whisper_models import DEFAULT_MODEL, resolve_model

FINAL_BEAM: Final = 1
"""Greedy: a wider beam makes finals 1.25 to 1.6 times as slow, and no measurement of ours shows what it buys."""
FINAL_TEMPERATURES: Final = (0.0, 0.4)
"""A final that loops or is very unsure is decoded once more, less greedily."""
FIRST_TOKENS: Final = 20
"""Tokens that any window may have …"""
TOKENS_A_SECOND: Final = 15
"""… and as many more for each second of it: a decoder that runs on is stopped. Languages that Whisper spells in
bytes need most of it."""
MOST_TOKENS: Final = 220
"""Half of the decoder's room; the other half is for the prompt."""


class WhisperEngine:
    """The window kind."""

    def __init__(self, model: str = DEFAULT_MODEL, device: str | None = None) -> None:
        self._name = model
        self._device = device or ("cuda" if ctranslate2.get_cuda_device_count() > 0 else "cpu")
        self._loading = threading.Lock()
        self._model: WhisperModel | None = None
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
            self._silero, self._model = silero, model

    def voice_detector(self, config: StreamConfig) -> VoiceDetector:
        """Return a Silero detector. Raises `EngineUnavailable` before `load`."""
        if self._silero is None:
            raise EngineUnavailable("Whisper has not been loaded.")
        return self._silero.listen()

    def decode(self, windows: Sequence[Window]) -> Sequence[Transcript]:
        """Return one transcript for each window. Raises `EngineError`."""
        if self._model is None:
            raise EngineUnavailable("Whisper has not been loaded.")
        return [_decode(self._model, window) for window in windows]

    def close(self) -> None:
        """Free the model."""
        self._model = None
        self._silero = None


def _decode(model: WhisperModel, window: Window) -> Transcript:
    config = window.config
    segments, told = model.transcribe(
        window.audio,
        language=_language(model, config.language),
        task=config.task,
        beam_size=FINAL_BEAM if window.final else 1,
        temperature=FINAL_TEMPERATURES if window.final else 0.0,
        word_timestamps=window.final,
        without_timestamps=not window.final,
        condition_on_previous_text=False,
        vad_filter=False,
        max_new_tokens=min(MOST_TOKENS, FIRST_TOKENS + TOKENS_A_SECOND * len(window.audio) // ENGINE_RATE),
        initial_prompt=config.prompt,
        hotwords=", ".join(config.terms) or None,
    )
    # The decoding happens here: faster-whisper hands out its segments lazily.
    return _transcript(list(segments), told.language)


def _language(model: WhisperModel, wanted: str | None) -> str | None:
    """Return Whisper's code for a BCP 47 tag, None where it is to find out. Raises `EngineError`."""
    if wanted is None:
        return None
    code = wanted.partition("-")[0].lower()
    if code not in model.supported_languages:
        raise EngineError(f"This Whisper model does not understand the language {wanted!r}.")
    return code


def _transcript(segments: Sequence[Segment], language: str) -> Transcript:
    words = tuple(
        TimedWord(
            text=word.word.strip(), start_s=float(word.start), end_s=float(word.end), confidence=float(word.probability)
        )
        for segment in segments
        for word in segment.words or ()
        if word.word.strip()
    )
    return Transcript(
        text="".join(segment.text for segment in segments).strip(),
        words=words,
        confidence=_confidence(segments),
        language=language,
    )


def _confidence(segments: Sequence[Segment]) -> float:
    """Return the geometric mean of the token probabilities, in [0, 1]."""
    tokens = sum(len(segment.tokens) for segment in segments)
    if not tokens:
        return 0.0
    return min(1.0, exp(sum(segment.avg_logprob * len(segment.tokens) for segment in segments) / tokens))


def create_engine(model: str | None, language: str | None) -> Engine:
    """Return the engine for ``model``, `DEFAULT_MODEL` without one; ``language`` is chosen by each session."""
    return WhisperEngine(model or DEFAULT_MODEL)
