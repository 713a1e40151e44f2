"""What every measure needs: the clips, the services, and the same model offline, which is what everything is to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import ctranslate2
from clips import Clip, with_pauses
from cpu import metered
from faster_whisper import WhisperModel
from harness import Service, rush
from naive import NaiveService, naive_service

from auricle.engines.actor import EngineActor
from auricle.engines.fallback import Isolation, engine_loader
from auricle.engines.loading import EngineLoader
from auricle.engines.protocol import ENGINE_RATE, Samples, StreamConfig, WindowEngine
from auricle.engines.protocol import Window as EngineWindow
from auricle.engines.whisper.engine import WhisperEngine

LOAD_PATIENCE_S = 60.0
TAKES = 3
"""Offline decodes of which the middle one counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much of everything: the whole takes three quarters of an hour, the quick one two minutes."""

    solo_s: float = 330.0
    """Speech in the tape of one session."""
    ending_s: float = 18.0
    words_s: float = 2_000.0
    words_sessions: int = 16
    trial_s: float = 16.0
    cycle_s: float = 5.0
    """A turn of voice-agent traffic: sessions begin at different places of it."""
    trials: int = 7
    naive_trials: int = 5
    most_sessions: int = 128
    overload_s: float = 10.0
    nonspeech_s: float = 600.0
    idle_sessions: int = 10
    idle_s: float = 10.0
    kill_sessions: int = 20
    kills: int = 10
    kill_tape_s: float = 24.0
    pads_s: tuple[float, ...] = (0.16, 0.32, 0.64, 1.0, 1.3, 2.0, 2.6, 5.0, 10.0, 26.0)
    pads_speech_s: float = 60.0


QUICK = Budget(
    solo_s=8.0,
    ending_s=4.0,
    words_s=16.0,
    trial_s=7.0,
    cycle_s=3.0,
    trials=2,
    naive_trials=2,
    most_sessions=16,
    overload_s=5.0,
    nonspeech_s=60.0,
    idle_sessions=10,
    idle_s=3.0,
    kill_sessions=4,
    kills=2,
    kill_tape_s=8.0,
    pads_s=(0.16, 1.3, 2.6, 26.0),
    pads_speech_s=10.0,
)
STANDARD = Budget()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offline:
    """One decode of audio that is all there."""

    text: str
    cpu_s: float
    wall_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Made once a run by `open_bench`."""

    model: Path
    device: str
    clips: tuple[Clip, ...]
    word_clips: tuple[Clip, ...]
    """What error rates are measured on: it takes many words to see a small difference."""
    budget: Budget
    language: str
    silence_s: float
    """Silence that ends an utterance where delays are measured."""
    interval_s: float
    """What both aim at from one partial to the next."""
    isolation: str
    short_engine: WindowEngine
    padded_model: WhisperModel
    _short: dict[Clip, Offline] = field(default_factory=dict)
    _padded: dict[Clip, Offline] = field(default_factory=dict)

    def config(self, silence_s: float | None = None) -> StreamConfig:
        """Return what sessions ask for; without ``silence_s``, `Bench.silence_s`."""
        return StreamConfig(language=self.language, silence_s=self.silence_s if silence_s is None else silence_s)

    # ------------------------------------------------------------------------ services

    @asynccontextmanager
    async def ours(self) -> AsyncIterator[EngineActor]:
        """Run our service, loaded and warm."""
        here = WhisperEngine(str(self.model), self.device)
        async with EngineActor(isolated(self.model) if self.isolation == "process" else here) as actor:
            await actor.loaded()
            await self._warm(actor)
            yield actor

    @asynccontextmanager
    async def naive(self) -> AsyncIterator[NaiveService]:
        """Run the baseline, loaded and warm, with as many threads for a decode as there are processors."""
        model = WhisperModel(str(self.model), device=self.device, compute_type=compute_type(self.device))
        async with naive_service(model, self.interval_s) as service:
            await self._warm(service)
            service.decodes = 0
            yield service

    async def _warm(self, service: Service) -> None:
        clip = min(self.clips, key=lambda clip: clip.seconds)
        await rush(service, with_pauses([clip]), self.config(), patience_s=LOAD_PATIENCE_S)

    # ------------------------------------------------------------------------ offline

    def decode_short(self, samples: Samples) -> Offline:
        """Decode a whole utterance with our engine: a short window, as a final."""
        window = EngineWindow(audio=samples, config=self.config(), final=True)
        with metered() as used:
            (transcript,) = self.short_engine.decode([window])
        return Offline(text=transcript.text, cpu_s=used.cpu_s, wall_s=used.wall_s)

    def decode_padded(self, samples: Samples) -> Offline:
        """Decode it as faster-whisper does by default: padded to 30 s, with a beam of 5. One thread."""
        with metered() as used:
            segments, _ = self.padded_model.transcribe(samples, language=self.language)
            text = " ".join(segment.text.strip() for segment in segments)
        return Offline(text=text, cpu_s=used.cpu_s, wall_s=used.wall_s)

    def short(self, clip: Clip) -> Offline:
        """Return our engine's decode of a clip: the middle one of several, and only once."""
        if clip not in self._short:
            takes = [self.decode_short(clip.samples) for _ in range(TAKES)]
            self._short[clip] = Offline(
                text=takes[0].text,
                cpu_s=median(take.cpu_s for take in takes),
                wall_s=median(take.wall_s for take in takes),
            )
        return self._short[clip]

    def padded(self, clip: Clip) -> Offline:
        """Return faster-whisper's decode of a clip."""
        if clip not in self._padded:
            self._padded[clip] = self.decode_padded(clip.samples)
        return self._padded[clip]

    def decode_s(self, samples: Samples, begin_s: float, end_s: float) -> float:
        """Return how long one offline decode of a stretch takes: the middle one of several."""
        piece = samples[max(0, round(begin_s * ENGINE_RATE)) : round(end_s * ENGINE_RATE)]
        return median(self.decode_short(piece).wall_s for _ in range(TAKES))


def open_bench(
    *,
    model: Path,
    device: str | None,
    clips: tuple[Clip, ...],
    word_clips: tuple[Clip, ...],
    budget: Budget,
    language: str,
    silence_s: float,
    interval_s: float,
    isolation: str,
) -> Bench:
    """Load the model for the offline decodes, and warm it."""
    device = device or ("cuda" if ctranslate2.get_cuda_device_count() else "cpu")
    short_engine = WhisperEngine(str(model), device)
    short_engine.load(lambda stage, fraction: None)
    padded_model = WhisperModel(str(model), device=device, compute_type=compute_type(device), cpu_threads=1)
    bench = Bench(
        model=model,
        device=device,
        clips=clips,
        word_clips=word_clips,
        budget=budget,
        language=language,
        silence_s=silence_s,
        interval_s=interval_s,
        isolation=isolation,
        short_engine=short_engine,
        padded_model=padded_model,
    )
    bench.decode_short(clips[0].samples)
    bench.decode_padded(clips[0].samples)
    return bench


def compute_type(device: str) -> str:
    """Return what our engine computes with on a device."""
    return "int8" if device == "cpu" else "float16"


def isolated(model: Path) -> EngineLoader:
    """Return what loads our engine in a process of its own."""
    return engine_loader("whisper", str(model), isolation=Isolation.PROCESS)
