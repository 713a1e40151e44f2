"""What is not speech: no words may come of it, and silence may cost next to nothing."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from clips import Tape
from context import Bench
from cpu import metered
from harness import Service, play_all, rush
from metrics import words_of
from null_service import NullService
from pacing import staggered

from auricle.engines.protocol import ENGINE_RATE, Samples

SEED = 20_240_501
PATIENCE_S = 120.0
NOTES_HZ = (220.0, 277.2, 329.6, 440.0, 554.4, 659.3)


def silence(length: int) -> Samples:
    """Return digital silence."""
    return np.zeros(length, dtype=np.float32)


def noise(length: int) -> Samples:
    """Return white noise at -30 dB."""
    return (np.random.default_rng(SEED).standard_normal(length) * 0.03).astype(np.float32)


def tones(length: int) -> Samples:
    """Return chords that are struck twice a second and ring out, as a piano's do."""
    random = np.random.default_rng(SEED)
    chord = ENGINE_RATE // 2
    time = np.arange(chord) / ENGINE_RATE
    envelope = np.exp(-4 * time) * 0.2
    struck = [
        envelope * sum(np.sin(2 * np.pi * note * time) for note in random.choice(NOTES_HZ, 3, replace=False))
        for _ in range(-(-length // chord))
    ]
    return np.concatenate(struck)[:length].astype(np.float32)


def clicks(length: int) -> Samples:
    """Return single loud samples, three a second on average."""
    random = np.random.default_rng(SEED)
    samples = np.zeros(length, dtype=np.float32)
    places = random.integers(0, length, 3 * length // ENGINE_RATE)
    samples[places] = random.choice([-0.8, 0.8], len(places))
    return samples


SOUNDS: Final[dict[str, Callable[[int], Samples]]] = {
    "silence": silence,
    "noise": noise,
    "tones": tones,
    "clicks": clicks,
}


async def measure(bench: Bench) -> dict[str, Any]:
    """Play every sound as fast as it goes, and silence at the pace of speech."""
    length = round(bench.budget.nonspeech_s * ENGINE_RATE)
    found: dict[str, Any] = {"seconds": bench.budget.nonspeech_s}
    async with bench.ours() as ours:
        for name, make in SOUNDS.items():
            with metered() as used:
                recording = await rush(ours, Tape(samples=make(length)), bench.config(), patience_s=PATIENCE_S)
            found[name] = {
                "complete": recording.complete,
                "words": len(words_of(recording.text)),
                "finals": len(recording.finals),
                "partials": recording.partials,
                "cpu_share": round(used.cpu_s / bench.budget.nonspeech_s, 5),
            }
        found["idle"] = await _idle(bench, ours)
    return found


async def _idle(bench: Bench, service: Service) -> dict[str, Any]:
    """Return the share of a core that a silent session takes at the pace of speech, the harness left out."""
    sessions, seconds = bench.budget.idle_sessions, bench.budget.idle_s
    shares: list[float] = []
    for heard_by_whom in (service, NullService()):
        tapes = [Tape(samples=silence(round(seconds * ENGINE_RATE)))] * sessions
        delays_s = [staggered(index, 0.1) for index in range(sessions)]
        with metered() as used:
            await play_all(heard_by_whom, tapes, delays_s, bench.config(), patience_s=PATIENCE_S)
        shares.append(used.cpu_s / (sessions * seconds))
    return {
        "sessions": sessions,
        "share_of_core": round(shares[0] - shares[1], 5),
        "harness_share_of_core": round(shares[1], 5),
    }
