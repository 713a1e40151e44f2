"""The stretched model says what the small one says, at the cost of tiny."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tiny_shaped import HEADS, LAYERS, TOKENS, read_weights, stretch

from auricle.engines.protocol import StreamConfig, Window
from auricle.engines.whisper.engine import WhisperEngine
from auricle.engines.whisper.models.resolution import resolve_model

SPEECH = Path(__file__).parents[1] / "engines" / "speech"
CLIPS = [json.loads(line) for line in (SPEECH / "manifest.jsonl").read_text(encoding="utf-8").splitlines()][:3]


def ignore(stage, fraction):
    """Nobody looks."""


SMALL = resolve_model("pebble-en", ignore)


@pytest.fixture(scope="module")
def stretched(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    stretch(SMALL, folder)
    return folder


def heard(folder: Path) -> list[tuple[str, list[tuple[str, float, float]]]]:
    engine = WhisperEngine(str(folder), device="cpu")
    engine.load(ignore)
    windows = [
        Window(audio=soundfile.read(SPEECH / clip["path"], dtype="float32")[0], config=StreamConfig(), final=True)
        for clip in CLIPS
    ]
    said = engine.decode(windows)
    return [(one.text, [(w.text, round(w.start_s, 1), round(w.end_s, 1)) for w in one.words]) for one in said]


def test_it_says_what_the_small_one_says_and_when(stretched):
    assert [text for text, _ in heard(stretched)] == [clip["text"] for clip in CLIPS]
    assert heard(stretched) == heard(SMALL)


def test_it_has_the_shape_of_tiny(stretched):
    small = read_weights(SMALL / "model.bin")
    assert 3 * len(small["encoder/layer_norm/gamma"]) == 384
    assert len(json.loads((stretched / "vocabulary.json").read_text(encoding="utf-8"))) == TOKENS == 51_864
    assert (LAYERS, HEADS) == (4, 6)
    assert all(np.isfinite(weight).all() for weight in small.values())
    assert 39e6 < (stretched / "model.bin").stat().st_size < 60e6
