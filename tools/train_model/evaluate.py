"""Measures an exported model: words by voice and by tail pad, times, and what it says to what is no speech."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import ctranslate2
import jiwer
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

from train_model import augmentation
from train_model.features import FRAMES_PER_S, RATE, log_mel, normalised
from train_model.speech import Speech
from train_model.voices import HELD_OUT, Voice

TAIL_PADS_S: Final = (0.16, 0.32, 0.64, 1.3, 2.0, 2.6, 5.0, 8.0, 26.0)
DEFAULT_PAD_S: Final = 1.0
_FORBIDDEN_FRAMES: Final = (159, 160)
"""Their encoding has as many frames as there are mels, and CTranslate2 would take it for mels."""
Clip = tuple[Voice, str, Speech]


class Heard(NamedTuple):
    """What was heard in one window."""

    text: str
    words: list[tuple[str, float, float]]
    no_speech: float


class Ears:
    """A model, called directly with windows no longer than they must be."""

    def __init__(self, folder: Path, compute_type: str = "int8") -> None:
        self.model = WhisperModel(str(folder), device="cpu", compute_type=compute_type, cpu_threads=1)
        self._tokenizer = Tokenizer(self.model.hf_tokenizer, multilingual=False)

    def hear(self, audio: NDArray[np.float32], pad_s: float, *, times: bool = False) -> Heard:
        """Return what is said in ``audio`` when so much digital silence is put behind it."""
        frames = min(3000, round((len(audio) / RATE + pad_s) * FRAMES_PER_S))
        while frames in _FORBIDDEN_FRAMES:
            frames += 1
        padded = np.pad(audio, (0, max(0, frames * 160 - len(audio))))[: frames * 160]
        mels = normalised(log_mel(padded)).T[None]
        encoded = self.model.model.encode(ctranslate2.StorageView.from_array(np.ascontiguousarray(mels)))
        prompt = [self._tokenizer.sot, self._tokenizer.no_timestamps]
        (result,) = self.model.model.generate(encoded, [prompt], beam_size=1, return_no_speech_prob=True)
        tokens = [token for token in result.sequences_ids[0] if token < self._tokenizer.eot]
        words: list[tuple[str, float, float]] = []
        if times and tokens:
            heard = min(frames, len(audio) // 160)
            (aligned,) = self.model.find_alignment(self._tokenizer, [tokens], encoded, heard)
            words = [(word["word"].strip(), float(word["start"]), float(word["end"])) for word in aligned]
        return Heard(self._tokenizer.decode(tokens).strip(), [word for word in words if word[0]], result.no_speech_prob)


def error_rate(pairs: Iterable[tuple[str, str]]) -> float:
    """Return the word error rate over (true, heard) texts."""
    true, heard = zip(*pairs, strict=True)
    return float(jiwer.wer(list(true), list(heard)))


def time_errors(clip: Speech, heard: Heard) -> list[float]:
    """Return how far off each start and end is, where the words are the true ones."""
    if [word.text for word in clip.words] != [word for word, _, _ in heard.words]:
        return []
    pairs = zip(clip.words, heard.words, strict=True)
    return [off for true, (_, start, end) in pairs for off in (abs(true.start - start), abs(true.end - end))]


def report(folder: Path, clips: Sequence[Clip], compute_type: str, *, sweep: bool) -> str:
    """Return the tables of a model as Markdown."""
    ears = Ears(folder, compute_type)
    lines = [
        "| voice | held out | clips | words | WER, 1 s pad | WER, faster-whisper | median / p90 time error |",
        "|---|---|---|---|---|---|---|",
    ]
    groups: dict[Voice, list[Clip]] = {}
    for clip in clips:
        groups.setdefault(clip[0], []).append(clip)
    for voice, spoken in groups.items():
        lines.append(_row(ears, str(voice), "yes" if voice in HELD_OUT else "", spoken))
    lines.append(_row(ears, "all held-out voices", "yes", [clip for clip in clips if clip[0] in HELD_OUT]))
    lines.append(_row(ears, "all voices of the training", "", [clip for clip in clips if clip[0] not in HELD_OUT]))
    if sweep:
        lines += ["", "| tail pad, s | " + " | ".join(f"{pad:g}" for pad in TAIL_PADS_S) + " |", "|---" * 10 + "|"]
        for name, held_out in (("held-out voices", True), ("voices of the training", False)):
            spoken = [clip for clip in clips if (clip[0] in HELD_OUT) == held_out]
            rates = [
                error_rate((text, ears.hear(speech.audio, pad).text) for _, text, speech in spoken)
                for pad in TAIL_PADS_S
            ]
            lines.append(f"| WER, {name} | " + " | ".join(f"{100 * rate:.1f} %" for rate in rates) + " |")
    spoken_to_nothing = _spoken_to_nothing(ears)
    lines += ["", f"Words in 120 windows without speech (1 to 8 s): {spoken_to_nothing}."]
    return "\n".join(lines)


def _row(ears: Ears, name: str, held_out: str, spoken: Sequence[Clip]) -> str:
    heard = [ears.hear(speech.audio, DEFAULT_PAD_S, times=True) for _, _, speech in spoken]
    direct = error_rate((text, one.text) for (_, text, _), one in zip(spoken, heard, strict=True))
    plain = error_rate((text, _transcribed(ears.model, speech.audio)) for _, text, speech in spoken)
    off = [one for (_, _, speech), said in zip(spoken, heard, strict=True) for one in time_errors(speech, said)]
    times = f"{np.median(off):.3f} / {np.quantile(off, 0.9):.3f} s" if off else "-"
    words = sum(len(text.split()) for _, text, _ in spoken)
    return f"| {name} | {held_out} | {len(spoken)} | {words} | {100 * direct:.1f} % | {100 * plain:.1f} % | {times} |"


def _transcribed(model: WhisperModel, audio: NDArray[np.float32]) -> str:
    segments, _ = model.transcribe(audio, language="en", beam_size=1)
    return " ".join(" ".join(segment.text for segment in segments).split())


def _spoken_to_nothing(ears: Ears) -> int:
    noise = np.random.default_rng(99)
    windows = [augmentation.non_speech(noise.uniform(1, 8), noise) for _ in range(120)]
    return sum(len(ears.hear(window, DEFAULT_PAD_S).text.split()) for window in windows)
