"""Whisper on CTranslate2 without anything of ours: any length of silence behind the words, any batch."""

from pathlib import Path

import ctranslate2
import numpy as np
from context import compute_type
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

from auricle.engines.protocol import ENGINE_RATE, Samples

FRAME_SAMPLES = 160
MOST_FRAMES = 3_000
FIRST_TOKENS = 20
TOKENS_A_SECOND = 15


class DirectWhisper:
    """Greedy, no timestamps, no guards."""

    def __init__(self, model: Path, device: str, language: str) -> None:
        self._whisper = WhisperModel(str(model), device=device, compute_type=compute_type(device), cpu_threads=1)
        self._mels = int(self._whisper.feature_extractor.mel_filters.shape[0])
        multilingual = self._whisper.model.is_multilingual
        self._tokenizer = Tokenizer(
            self._whisper.hf_tokenizer, multilingual, task="transcribe", language=language if multilingual else "en"
        )

    def decode(self, samples: Samples, pad_s: float) -> str:
        """Return the text of one utterance with so much silence behind it, as far as 30 s allow."""
        frames = safe_frames(-(-len(samples) // FRAME_SAMPLES) + round(pad_s * 100), self._mels)
        audio = np.pad(samples, (0, max(0, frames * FRAME_SAMPLES - len(samples))))[: frames * FRAME_SAMPLES]
        features = self._whisper.feature_extractor(audio, padding=0)[:, :frames]
        encoded = self._whisper.model.encode(storage(features[None]))
        prompt = [*self._tokenizer.sot_sequence, self._tokenizer.no_timestamps]
        budget = FIRST_TOKENS + round(TOKENS_A_SECOND * len(samples) / ENGINE_RATE)
        (result,) = self._whisper.model.generate(encoded, [prompt], beam_size=1, max_length=max(2 * budget, budget + 4))
        return str(self._tokenizer.decode([t for t in result.sequences_ids[0] if t < self._tokenizer.eot])).strip()


def safe_frames(frames: int, mels: int) -> int:
    """Return the length, or a little more where CTranslate2 would take the encoder's output for its input."""
    frames = min(frames, MOST_FRAMES)
    return frames + 2 if (frames + 1) // 2 == mels else frames


def storage(array: NDArray[np.float32]) -> ctranslate2.StorageView:
    """Return an array as CTranslate2 takes it."""
    return ctranslate2.StorageView.from_array(np.ascontiguousarray(array, dtype=np.float32))
