"""The models of random weights are ones that faster-whisper loads."""

from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel
from random_model import SHAPES, Shape, make, vocabulary

SMALL = Shape(width=64, heads=2, encoder_layers=1, decoder_layers=1, mels=80, languages=SHAPES["tiny"].languages)


def test_the_vocabulary_has_whispers_sizes_and_places() -> None:
    tiny, turbo = vocabulary(SHAPES["tiny"]), vocabulary(SHAPES["large-v3-turbo"])
    assert (len(tiny), len(turbo)) == (51_865, 51_866)
    assert len(set(turbo)) == len(turbo)
    assert tiny.index("<|endoftext|>") == 50_257
    assert tiny.index("<|en|>") == 50_259
    assert tiny.index("<|0.00|>") == 50_364


def test_a_model_is_loaded_and_decodes(tmp_path: Path) -> None:
    make(tmp_path, SMALL, "int8")
    model = WhisperModel(str(tmp_path), device="cpu", compute_type="int8")
    assert model.model.is_multilingual
    samples = np.zeros(16_000, dtype=np.float32)
    segments, info = model.transcribe(samples, language="en", beam_size=1, temperature=0.0, max_new_tokens=4)
    list(segments)
    assert info.language == "en"
    assert (
        model.hf_tokenizer.decode(model.hf_tokenizer.encode(" any text", add_special_tokens=False).ids) == " any text"
    )
