"""Pebble, the repository's own Whisper model: it loads offline, and hears what it was trained to hear."""

import json
from pathlib import Path

import jiwer
import numpy as np
import pytest
import soundfile
from auricle.engines.protocol import ENGINE_RATE, Window
from auricle.engines.whisper import WhisperEngine
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

from engines.lab import config
from train_model.evaluate import Ears
from train_model.words import WORDS

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "engines" / "auricle" / "engines" / "models" / "pebble-en"
SPEECH = Path(__file__).parent / "speech"
CLIPS = [json.loads(line) for line in (SPEECH / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
SEEN = [clip for clip in CLIPS if not clip["held_out_voice"]]
UNSEEN = [clip for clip in CLIPS if clip["held_out_voice"]]
PADS_S = (0.3, 1.0, 2.0)


def audio(clip) -> np.ndarray:
    samples, rate = soundfile.read(SPEECH / clip["path"], dtype="float32")
    assert rate == ENGINE_RATE
    return samples


def wer(clips, hear) -> float:
    return jiwer.wer([clip["text"] for clip in clips], [hear(audio(clip)) for clip in clips])


@pytest.fixture(scope="module", params=["int8", "float32"])
def ears(request):
    return Ears(MODEL, request.param)


@pytest.fixture(scope="module")
def model():
    return WhisperModel(str(MODEL), device="cpu", compute_type="int8", local_files_only=True)


def transcribed(model, samples, **options) -> str:
    segments, _ = model.transcribe(samples, **options)
    return " ".join(" ".join(segment.text for segment in segments).split())


# ------------------------------------------------------------------------ what it is


def test_it_is_small_enough_for_a_repository():
    sizes = {path.name: path.stat().st_size for path in MODEL.iterdir()}
    assert sizes["model.bin"] <= 8_000_000
    assert sum(sizes.values()) <= 9_000_000
    assert sum(path.stat().st_size for path in SPEECH.iterdir()) <= 1_500_000


def test_its_tokenizer_is_whispers(model):
    tokenizer = Tokenizer(model.hf_tokenizer, multilingual=False)
    assert not model.model.is_multilingual
    names = (model.hf_tokenizer.id_to_token(number) for number in (tokenizer.timestamp_begin, tokenizer.eot))
    assert list(names) == ["<|0.00|>", "<|endoftext|>"]
    assert model.hf_tokenizer.id_to_token(tokenizer.timestamp_begin + 1500) == "<|30.00|>"
    specials = (tokenizer.sot, tokenizer.sot_prev, tokenizer.no_speech, tokenizer.transcribe, tokenizer.translate)
    assert all(number is not None and number > tokenizer.eot for number in specials)
    vocabulary = json.loads((MODEL / "vocabulary.json").read_text(encoding="utf-8"))
    assert [model.hf_tokenizer.id_to_token(number) for number in range(len(vocabulary))] == vocabulary


def test_it_can_write_all_its_words(model):
    tokenizer = Tokenizer(model.hf_tokenizer, multilingual=False)
    forbidden = set(tokenizer.non_speech_tokens)
    for word in WORDS:
        tokens = tokenizer.encode(f" {word}")
        assert tokenizer.decode(tokens) == f" {word}"
        assert not forbidden.intersection(tokens)


def test_no_sentence_of_the_tests_is_by_a_voice_of_the_training_alone():
    assert len(UNSEEN) >= 20
    assert len({clip["voice"] for clip in UNSEEN}) >= 3
    assert not {clip["voice"] for clip in SEEN} & {clip["voice"] for clip in UNSEEN}


# ------------------------------------------------------------------------ what it hears


def test_faster_whisper_hears_the_clips(model):
    def hear(samples):
        return transcribed(model, samples, beam_size=1)

    assert wer(SEEN, hear) <= SEEN_BAR
    assert wer(UNSEEN, hear) <= UNSEEN_BAR


@pytest.mark.parametrize("pad_s", PADS_S)
def test_short_windows_are_enough(ears, pad_s):
    assert wer(SEEN, lambda samples: ears.hear(samples, pad_s).text) <= SEEN_BAR
    assert wer(UNSEEN, lambda samples: ears.hear(samples, pad_s).text) <= UNSEEN_BAR
