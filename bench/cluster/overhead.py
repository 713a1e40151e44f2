"""What a decode on a worker costs beside the same one on this machine: the same windows, each in turn on both."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from clips import Clip
from metrics import percentile
from normal import Errors, align, normal
from words.samples import Wanted, load_samples

from auricle.engines.audio.retained_audio import RetainedAudio
from auricle.engines.compute import ComputeOptions
from auricle.engines.isolation import load_isolated
from auricle.engines.isolation.remote_window_engine import RemoteWindowEngine
from auricle.engines.protocol import ENGINE_RATE, Engine, StreamConfig, Window
from cluster.hosted import whisper_on
from cluster.simulated_nodes import simulated_nodes

LOCAL: Final = "local"
"""In a process of its own on this machine, as `auricle serve` runs it."""
RAY: Final = "ray"
"""On a worker of a node of Ray."""
PARTIAL_S: Final = 3.0
"""Seconds of a window of a partial: the usual length of a turn."""
ROUNDS: Final = 2
ONE_THREAD: Final = ComputeOptions(threads=1)


@dataclass
class Timed:
    """The calls of one kind, in the order of the windows."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {LOCAL: [], RAY: []})
    texts: dict[str, list[str]] = field(default_factory=lambda: {LOCAL: [], RAY: []})


def measure(manifests: Sequence[Path], model: str) -> dict[str, Any]:
    """Decode the clips of English utterances, and the beginning of each as a partial, on both, in turns."""
    samples, _ = load_samples(manifests, Wanted(kinds=("utterance",), languages=("en",)))
    clips = [sample.clip for sample in samples if sample.has_reference]
    if not clips:
        raise SystemExit("No clip of the manifests is an English utterance with a reference.")
    with simulated_nodes(1) as nodes:
        local = load_isolated("whisper", model, None, ONE_THREAD, lambda stage, fraction: None)
        try:
            far = whisper_on(nodes.address, model)
            try:
                return _measured(clips, {LOCAL: local, RAY: far})
            finally:
                far.close()
        finally:
            local.close()


def _measured(clips: Sequence[Clip], engines: Mapping[str, Engine]) -> dict[str, Any]:
    finals, partials = Timed(), Timed()
    for timed, windows in ((partials, _partials(clips, engines[LOCAL])), (finals, _finals(clips, engines[LOCAL]))):
        _decode(Timed(), windows[:1], engines, 0)  # what is first is slow everywhere
        for turn in range(ROUNDS):
            _decode(timed, windows, engines, turn)
    references = [clip.text for clip in clips] * ROUNDS
    return {
        "clips": len(clips),
        "rounds": ROUNDS,
        "audio_s": round(sum(clip.seconds for clip in clips), 1),
        "partial_s": PARTIAL_S,
        "partials": _told(partials),
        "finals": _told(finals) | {"wer": {name: _wer(references, finals.texts[name]) for name in engines}},
    }


def _decode(timed: Timed, windows: Sequence[Window], engines: Mapping[str, Engine], turn: int) -> None:
    """Decode each window on each engine, which begin by turns."""
    for index, window in enumerate(windows):
        order = list(engines) if (index + turn) % 2 == 0 else list(engines)[::-1]
        for name in order:
            engine = engines[name]
            assert isinstance(engine, RemoteWindowEngine)
            began_s = time.perf_counter()
            (transcript,) = engine.decode([window])
            timed.seconds[name].append(time.perf_counter() - began_s)
            timed.texts[name].append(transcript.text)


def _finals(clips: Sequence[Clip], engine: Engine) -> list[Window]:
    return [_window(engine, clip, len(clip.samples), final=True) for clip in clips]


def _partials(clips: Sequence[Clip], engine: Engine) -> list[Window]:
    samples = round(PARTIAL_S * ENGINE_RATE)
    return [_window(engine, clip, min(samples, len(clip.samples)), final=False) for clip in clips]


def _window(engine: Engine, clip: Clip, end: int, *, final: bool) -> Window:
    """Return a window as a session asks for it: with the features, which the session computes."""
    assert isinstance(engine, RemoteWindowEngine)
    audio = RetainedAudio()
    audio.append(clip.samples)
    cache = engine.session_parts().features
    features = None if cache is None else cache().window(audio, 0, end)
    return Window(audio=audio.slice(0, end), config=StreamConfig(), final=final, features=features)


def _told(timed: Timed) -> dict[str, Any]:
    local, far = timed.seconds[LOCAL], timed.seconds[RAY]
    same = sum(one == other for one, other in zip(timed.texts[LOCAL], timed.texts[RAY], strict=True))
    return {
        "calls": len(far),
        "same_text": same,
        "ms": {name: _quantiles_ms(each) for name, each in timed.seconds.items()},
        "ratio": round(sum(far) / sum(local), 3),
        "more_ms": round(1_000 * median(there - here for there, here in zip(far, local, strict=True)), 2),
    }


def _quantiles_ms(seconds: Sequence[float]) -> dict[str, float]:
    return {"p50": round(1_000 * median(seconds), 1), "p95": round(1_000 * percentile(seconds, 0.95), 1)}


def _wer(references: Sequence[str], texts: Sequence[str]) -> float:
    pairs = zip(references, texts, strict=True)
    errors = sum((align(normal(one), normal(other)).errors for one, other in pairs), Errors())
    assert errors.rate is not None
    return round(errors.rate, 4)
