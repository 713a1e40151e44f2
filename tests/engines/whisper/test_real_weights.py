"""Whisper's real weights on speech of our own: what must hold of the words of finals, whatever happened meanwhile."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clips import Tape
from normal import align, normal
from words.virtual import fixed, play_virtually

from auricle.engines.protocol import (
    OFFLINE_DEFAULTS,
    OFFLINE_SEGMENT_S,
    OFFLINE_SILENCE_S,
    FinalResult,
    PartialResult,
    StreamConfig,
)
from auricle.engines.whisper.engine import WhisperEngine
from auricle.engines.whisper.models.packaged import installed_models
from engines.session_harness import check_record, drive, text_of

SPEECH = Path(__file__).parents[1] / "speech"
SPOKEN_AGAIN = Path(__file__).parent / "repetitions"
REPETITIONS = [json.loads(line) for line in (SPOKEN_AGAIN / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
SENTENCES = [json.loads(line) for line in (SPEECH / "manifest.jsonl").read_text(encoding="utf-8").splitlines()][:12:3]
RATE = 16_000


@pytest.fixture(scope="module")
def engine():
    if "tiny.en" not in installed_models():
        pytest.skip("the extra tiny-en is not installed")
    engine = WhisperEngine("tiny.en", device="cpu")
    engine.load(lambda stage, fraction: None)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def samples():
    """Four sentences with pauses of 0.3 s and 1 s between them, as 16-bit samples."""
    parts = [np.zeros(RATE // 2, dtype=np.int16)]
    for clip, pause_s in zip(SENTENCES, (0.3, 1.0, 0.3, 1.5), strict=True):
        heard, rate = soundfile.read(SPEECH / clip["path"], dtype="int16")
        assert rate == RATE
        parts += [heard, np.zeros(round(pause_s * RATE), dtype=np.int16)]
    return np.concatenate(parts)


def tape_of(samples) -> Tape:
    return Tape(samples=samples.astype(np.float32) / 32768)


def config(**options) -> StreamConfig:
    return StreamConfig(language="en", **options)


def finals(results) -> list[tuple[str, int]]:
    return [(result.text, result.end_sample) for result in results if isinstance(result, FinalResult)]


def played(engine, samples, how, delay_s):
    tape = tape_of(samples)
    return [said.result for said in play_virtually(engine, tape, how, frame_s=0.1, delay=fixed(delay_s))]


def test_finals_do_not_depend_on_partials_nor_on_how_long_decodes_take(engine, samples):
    pcm = tape_of(samples).pcm
    without = drive(engine, config(partials=False), pcm)
    check_record(without, len(samples))
    assert len(finals(without)) >= 2
    for delay_s in (0.0, 0.4):
        live = played(engine, samples, config(stable_prefix=False), delay_s)
        assert [result for result in live if isinstance(result, PartialResult) and result.text]
        assert finals(live) == finals(without)
    assert finals(drive(engine, config(partials=False), pcm, chunks=[7_001] * 90)) == finals(without)


def test_what_is_promised_stays_and_text_is_its_words(engine, samples):
    promised = ""
    for result in played(engine, samples, config(), 0.2):
        match result:
            case PartialResult():
                assert result.text.startswith(promised)
                promised = result.text[: result.stable]
            case FinalResult():
                assert result.text.startswith(promised)
                assert result.text == " ".join(word.text for word in result.words)
                promised = ""


def test_a_recording_is_heard_in_one_window_and_the_same_in_every_run(engine, samples):
    how = config(silence_s=OFFLINE_SILENCE_S, max_segment_s=OFFLINE_SEGMENT_S, offline=True)
    runs = [drive(engine, how, samples.tobytes(), chunks=chunks) for chunks in ([], [16_000] * 60)]
    assert len(finals(runs[0])) == 1
    assert finals(runs[0]) == finals(runs[1])
    assert not [result for result in runs[0] if isinstance(result, PartialResult)]
    assert len(text_of(runs[0]).split()) >= 12


@pytest.mark.parametrize("case", REPETITIONS, ids=lambda case: case["path"])
def test_what_is_said_again_and_again_is_neither_left_out_nor_goes_on_for_ever(engine, case):
    heard, rate = soundfile.read(SPOKEN_AGAIN / case["path"], dtype="int16")
    assert rate == RATE
    said = text_of(drive(engine, replace(OFFLINE_DEFAULTS, language="en"), heard.tobytes()))
    errors = align(normal(case["text"], "en"), normal(said, "en")).errors
    assert errors.substitutions + errors.deletions + errors.insertions <= case["allowed_errors"], said
