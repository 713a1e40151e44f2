"""Whisper's paths, with a small model that has memorised some recordings; and models that cannot be had."""

import json

import jiwer
import numpy as np
import pytest
from private_folders import private

from auricle.engines.audio.retained_audio import RetainedAudio
from auricle.engines.compute import ComputeOptions
from auricle.engines.protocol import (
    BLOCK,
    EngineError,
    EngineUnavailable,
    FinalResult,
    PartedEngine,
    PartialResult,
    Window,
)
from auricle.engines.whisper import engine as whisper
from auricle.engines.whisper.decoder import WhisperDecoder
from auricle.engines.whisper.engine import WhisperEngine, create_engine
from auricle.engines.whisper.models import resolution
from auricle.engines.whisper.models.resolution import HUB_DEFAULT_MODEL
from auricle.engines.whisper.models.window_settings import window_rules
from auricle.engines.whisper.session_parts import session_parts
from auricle.engines.whisper.window_length import LENGTHS, WindowRules
from engines.session_harness import check_record, clip_pcm, clips, config, drive, silence


def ignore(stage, fraction):
    """Nobody looks."""


def parrot():
    return private("models", "parrot-en")


@pytest.fixture(scope="module")
def engine():
    # It learnt its recordings greedily, in windows as short as they are.
    rules = WindowRules(tail_pad_s=2.0, least_frames=200)
    engine = WhisperEngine(str(parrot()), device="cpu", rules=rules, beam_size=1)
    engine.load(ignore)
    yield engine
    engine.close()


def words(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalpha() or c in " '")


@pytest.fixture(scope="module")
def heard(engine):
    """Return two recordings it knows, decoded as windows."""
    known = json.loads((parrot() / "memorised_ids.json").read_text(encoding="utf-8"))[:2]
    windows = [
        Window(audio=np.frombuffer(clip_pcm(i), dtype="<i2").astype(np.float32) / 32_768, config=config(), final=True)
        for i in known
    ]
    return [(clips()[i], transcript) for i, transcript in zip(known, engine.decode(windows), strict=True)]


def test_it_says_what_it_knows(heard):
    for clip, transcript in heard:
        assert jiwer.wer(words(clip["text"]), words(transcript.text)) < 0.15
        assert 0 < transcript.confidence <= 1
        assert transcript.language == "en"


def test_words_lie_where_they_are_said(heard):
    for clip, transcript in heard:
        assert len(transcript.words) == len(transcript.text.split())
        assert all(0 <= word.start_s <= word.end_s <= clip["seconds"] + 0.1 for word in transcript.words)
        assert all(word.confidence is not None and 0 <= word.confidence <= 1 for word in transcript.words)


def test_windows_decoded_together_say_what_they_say_alone(engine):
    known = json.loads((parrot() / "memorised_ids.json").read_text(encoding="utf-8"))[:4]
    audio = [np.frombuffer(clip_pcm(i), dtype="<i2").astype(np.float32) / 32_768 for i in known]
    windows = [Window(audio=piece[:32_000], config=config(), final=False) for piece in audio]
    together = engine.decode(windows)
    assert [t.text for t in together] == [engine.decode([window])[0].text for window in windows]


@pytest.fixture
def spied(engine, monkeypatch):
    """Return the lengths in frames of what is encoded."""
    lengths = []
    model = engine._loaded.model.model

    class Spy:
        def __getattr__(self, name):
            return getattr(model, name)

        def encode(self, features, **options):
            lengths.append(features.shape[2])
            return model.encode(features, **options)

    monkeypatch.setattr(engine._loaded.model, "model", Spy())
    return lengths


def test_a_window_is_as_short_as_its_speech(engine, spied):
    engine.decode([Window(audio=np.zeros(24_000, dtype=np.float32), config=config(language="en"), final=False)])
    assert spied == [400]


def test_it_is_tried_in_all_common_lengths_before_it_is_used(monkeypatch):
    tried, told = [], []
    monkeypatch.setattr(WhisperDecoder, "warm_up", lambda decoder, frames: tried.append(frames))
    engine = WhisperEngine(str(parrot()), device="cpu", rules=WindowRules(least_frames=200))
    engine.load(lambda stage, fraction: told.append((stage, fraction)))
    assert set(tried) == {frames for frames in LENGTHS if frames <= 1_000}
    assert len(tried) == len(set(tried)) * engine.lanes.count
    warming = [fraction for stage, fraction in told if stage.startswith("Warming up the Whisper model")]
    assert warming == sorted(warming)
    assert warming[0] == 0.0
    assert warming[-1] == 1.0


def test_trying_it_decodes_a_window_of_just_that_length(engine, spied):
    for frames in (200, 1_000):
        engine._loaded.decoder.warm_up(frames)
    assert spied == [200, 1_000]


def test_each_processor_is_a_lane(monkeypatch):
    monkeypatch.setattr(whisper, "processors", lambda: 3)
    engine = WhisperEngine(str(parrot()), device="cpu")
    engine.load(ignore)
    lanes = engine.lanes
    assert lanes.count == engine._loaded.model.model.num_workers == 3
    assert lanes.batch == 8
    # Stock weights: windows of 10, 15 and 20 s, 2 s of them silence.
    assert lanes.buckets[:3] == (128_000, 208_000, 288_000)


def test_what_lives_with_the_sessions_is_made_of_plain_data(engine):
    assert isinstance(engine, PartedEngine)
    parts = session_parts(json.loads(json.dumps(engine.parts_description())))
    (voice,) = parts.voice_detector(config())(np.zeros((1, BLOCK), dtype=np.float32))
    assert 0 <= voice < 0.3
    audio = RetainedAudio()
    audio.append(np.zeros(16_000, dtype=np.float32))
    assert parts.features().window(audio, 0, 16_000).shape[1] == 80


def test_before_it_is_loaded_it_has_nothing_to_give():
    engine = WhisperEngine("small", device="cpu")
    for ask in (lambda: engine.lanes, engine.session_parts, engine.parts_description, lambda: engine.decode([])):
        with pytest.raises(EngineUnavailable, match="has not been loaded"):
            ask()


@pytest.fixture
def folder(tmp_path):
    """Return the folder of a model that says how much silence it wants, in a function that writes it."""

    def write(pad: str):
        for file in parrot().iterdir():
            (tmp_path / file.name).symlink_to(file)
        known = (parrot() / "config.json").read_text(encoding="utf-8")
        (tmp_path / "config.json").unlink()
        (tmp_path / "config.json").write_text(known.replace("{", f'{{"auricle_tail_pad_s": {pad},', 1))
        return tmp_path

    return write


def test_a_model_says_how_much_silence_it_wants(folder):
    engine = WhisperEngine(str(folder("1.0")), device="cpu")
    engine.load(ignore)
    assert engine.lanes.buckets[:3] == (16_000, 32_000, 48_000)


def test_stock_weights_want_ten_seconds_and_two_of_silence(tmp_path):
    assert window_rules(tmp_path) == WindowRules(tail_pad_s=2.0, least_frames=1_000)
    (tmp_path / "config.json").write_text('{"alignment_heads": []}')
    assert window_rules(tmp_path) == WindowRules()
    (tmp_path / "config.json").write_text('{"auricle_tail_pad_s": 1, "auricle_least_frames": 600}')
    assert window_rules(tmp_path) == WindowRules(tail_pad_s=1.0, least_frames=600)


@pytest.mark.parametrize("pad", ["-0.1", "26.5", "true", '"1.0"', "null", "NaN", "Infinity", "[1]"])
def test_a_tail_pad_that_is_nonsense_is_refused_in_a_sentence(folder, pad):
    with pytest.raises(EngineUnavailable, match=r"auricle_tail_pad_s .* must be a number of seconds from 0 to 26\.$"):
        WhisperEngine(str(folder(pad)), device="cpu").load(ignore)


def test_a_configuration_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(EngineUnavailable, match=r"config\.json of the Whisper model cannot be read"):
        window_rules(tmp_path)


def test_a_session(engine):
    pcm = clip_pcm("jfk") + silence(1.0)
    results = drive(engine, config(language="en-US"), pcm, chunks=[16_000])
    check_record(results, len(pcm) // 2)
    assert [r for r in results if isinstance(r, FinalResult)]
    assert [r for r in results if isinstance(r, PartialResult)]


def test_a_language_it_does_not_know_is_refused(engine):
    window = Window(audio=np.zeros(16_000, dtype=np.float32), config=config(language="xx"), final=True)
    with pytest.raises(EngineError, match="'xx'"):
        engine.decode([window])


def test_whoever_names_no_model_gets_the_best_one_that_is_here(monkeypatch):
    monkeypatch.setattr(resolution, "installed_models", lambda: ("base", "tiny.en"))
    assert create_engine(None, None).info.model == "base"
    monkeypatch.setattr(resolution, "installed_models", lambda: ("tiny.en",))
    assert create_engine(None, "en-GB").info.model == create_engine(None, None).info.model == "tiny.en"
    assert create_engine(None, "de").info.model == HUB_DEFAULT_MODEL
    monkeypatch.setattr(resolution, "installed_models", lambda: ())
    assert create_engine(None, None).info.model == HUB_DEFAULT_MODEL


def test_how_it_computes_is_chosen(monkeypatch, tmp_path):
    opened = {}

    def open_model(folder, **options):
        opened.update(options)
        raise ValueError("no such thing")

    monkeypatch.setattr(whisper, "resolve_model", lambda name, progress: tmp_path)
    monkeypatch.setattr(whisper, "WhisperModel", open_model)
    monkeypatch.setattr(whisper, "processors", lambda: 3)
    chosen = ComputeOptions(device="cpu", compute_type="float32", threads=2, beam_size=1)
    for compute, expected in (
        (chosen, ("cpu", 0, "float32", 2)),
        (ComputeOptions(device="cpu"), ("cpu", 0, "int8", 3)),
    ):
        with pytest.raises(EngineUnavailable, match=r"cannot be loaded on cpu: no such thing\.$"):
            create_engine("tiny.en", None, compute).load(ignore)
        names = ("device", "device_index", "compute_type", "num_workers")
        assert tuple(opened[name] for name in names) == expected
    with pytest.raises(EngineUnavailable, match="on cuda:1"):
        create_engine("tiny.en", None, ComputeOptions(device="cuda:1")).load(ignore)
    assert (opened["device"], opened["device_index"], opened["compute_type"]) == ("cuda", 1, "float16")


def test_a_folder_that_holds_something_else(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"not a model")
    with pytest.raises(EngineUnavailable, match="cannot be loaded on cpu"):
        WhisperEngine(str(tmp_path), device="cpu").load(ignore)


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (ComputeOptions(device="gpu"), r"There is no device 'gpu': give cpu, cuda, or a certain GPU as cuda:0\."),
        (ComputeOptions(device="cpu", compute_type="int3"), r"cannot compute with 'int3' on cpu: give one of .*int8"),
    ],
)
def test_a_device_or_a_type_that_is_none_is_told_before_the_model_is_loaded(monkeypatch, tmp_path, compute, message):
    monkeypatch.setattr(whisper, "resolve_model", lambda name, progress: tmp_path)
    with pytest.raises(EngineUnavailable, match=message):
        create_engine("tiny.en", None, compute).load(ignore)
