"""Augmentation of speech: speed, room, noise, bandwidth and level; and audio without speech."""

import numpy as np
import soxr
from numpy.typing import NDArray

from train_model.features import RATE
from train_model.speech import Speech, SpokenWord

Audio = NDArray[np.float32]


def at_rate(speech: Speech, speed: float) -> Speech:
    """Return the speech at `RATE`, played ``speed`` times as fast: pitch and formants move along."""
    audio = soxr.resample(speech.audio, speech.rate * speed, RATE).astype(np.float32)
    words = tuple(SpokenWord(word.text, word.start / speed, word.end / speed) for word in speech.words)
    return Speech(audio, RATE, words)


def trimmed(speech: Speech, before_s: float, after_s: float) -> Speech:
    """Return the speech with that much around its words, zeros where the recording has less."""
    first = round((speech.words[0].start - before_s) * RATE)
    last = round((speech.words[-1].end + after_s) * RATE)
    padded = np.pad(speech.audio, (max(0, -first), max(0, last - len(speech.audio))))
    audio = padded[max(0, first) : last + max(0, -first)]
    words = tuple(SpokenWord(word.text, word.start - first / RATE, word.end - first / RATE) for word in speech.words)
    return Speech(audio, RATE, words)


def at_level(audio: Audio, peak: float) -> Audio:
    """Return the audio with that greatest magnitude."""
    return (audio * (peak / max(1e-6, float(np.abs(audio).max())))).astype(np.float32)


def coloured_noise(samples: int, slope: float, rng: np.random.Generator) -> Audio:
    """Return noise of unit power whose amplitude falls with frequency to the power ``slope``: 0 is white, 1 brown."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequencies = np.maximum(np.arange(len(spectrum)), max(1, samples // 400)).astype(float)
    noise = np.fft.irfft(spectrum * frequencies**-slope, samples)
    unit: Audio = (noise / (noise.std() + 1e-12)).astype(np.float32)
    return unit


def with_noise(audio: Audio, snr_db: float, rng: np.random.Generator) -> Audio:
    """Return the audio in noise of a random colour, as far below it as ``snr_db`` says."""
    power = float(np.sqrt(np.mean(audio**2))) + 1e-7
    noise = coloured_noise(len(audio), rng.uniform(0, 1), rng)
    return (audio + noise * power * 10 ** (-snr_db / 20)).astype(np.float32)


def in_room(audio: Audio, decay_s: float, wet: float, rng: np.random.Generator) -> Audio:
    """Return the audio with the reverberation of a room that falls by 60 dB in ``decay_s``."""
    tail = np.arange(int(decay_s * RATE)) / RATE
    response = rng.standard_normal(len(tail)) * 10 ** (-3 * tail / decay_s)
    response *= wet / np.sqrt(np.sum(response**2))
    response[0] = 1.0
    size = 1 << (len(audio) + len(response)).bit_length()
    return np.fft.irfft(np.fft.rfft(audio, size) * np.fft.rfft(response, size), size)[: len(audio)].astype(np.float32)


def narrowband(audio: Audio, low_hz: float, high_hz: float) -> Audio:
    """Return what a telephone leaves of it."""
    spectrum = np.fft.rfft(audio)
    frequencies = np.fft.rfftfreq(len(audio), 1 / RATE)
    spectrum[(frequencies < low_hz) | (frequencies > high_hz)] *= 0.01
    return np.fft.irfft(spectrum, len(audio)).astype(np.float32)


def disturbed(speech: Speech, rng: np.random.Generator) -> Speech:
    """Return the speech after a random journey. Its words stay where they are."""
    audio = speech.audio
    if rng.random() < 0.3:
        audio = in_room(audio, rng.uniform(0.1, 0.5), rng.uniform(0.2, 0.9), rng)
    if rng.random() < 0.1:
        audio = narrowband(audio, rng.uniform(100, 350), rng.uniform(3200, 6500))
    if rng.random() < 0.4:
        audio = with_noise(audio, rng.uniform(6, 35), rng)
    return speech._replace(audio=at_level(audio, 10 ** rng.uniform(-1.5, -0.02)))


def tones(samples: int, rng: np.random.Generator) -> Audio:
    """Return notes or a sweep: sums of sines that begin and end."""
    time = np.arange(samples) / RATE
    audio = np.zeros(samples)
    for _ in range(rng.integers(1, 12)):
        start, length = rng.uniform(0, time[-1]), rng.uniform(0.1, 3)
        note = 55 * 2 ** rng.uniform(0, 6)
        sweep = rng.choice((0.0, rng.uniform(-200, 200)))
        inside = np.clip(np.minimum(time - start, start + length - time) / 0.02, 0, 1)
        for overtone in range(1, rng.integers(2, 7)):
            audio += inside * np.sin(2 * np.pi * overtone * (note + sweep * time) * time) / overtone
    return audio.astype(np.float32)


def clicks(samples: int, rng: np.random.Generator) -> Audio:
    """Return a few short bursts in silence."""
    audio = np.zeros(samples, dtype=np.float32)
    for at in rng.integers(0, samples, rng.integers(1, 12)):
        burst = rng.standard_normal(rng.integers(1, 400))
        audio[at : at + len(burst)] += burst[: samples - at]
    return audio


def non_speech(seconds: float, rng: np.random.Generator) -> Audio:
    """Return silence, noise, tones, clicks or hum: no word is in it."""
    samples = int(seconds * RATE)
    kind = rng.integers(6)
    if kind == 0:
        return np.zeros(samples, dtype=np.float32)
    if kind == 1:
        audio = tones(samples, rng)
    elif kind == 2:
        audio = clicks(samples, rng)
    else:
        audio = coloured_noise(samples, rng.uniform(0, 1.2), rng)
    if kind == 3:
        swell = np.repeat(rng.uniform(0, 1, samples // 1600 + 1), 1600)[:samples]
        audio = (audio * swell).astype(np.float32)
    if kind in (1, 2) and rng.random() < 0.5:
        audio = with_noise(audio, rng.uniform(0, 40), rng)
    return at_level(audio, 10 ** rng.uniform(-3, -0.02))
