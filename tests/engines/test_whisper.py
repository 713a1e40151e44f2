"""Whisper's paths, with a small model that has memorised some recordings; and models that cannot be had."""

import json

import jiwer
import numpy as np
import pytest

from auricle.engines import whisper_models
from auricle.engines.protocol import EngineError, EngineUnavailable, FinalResult, PartialResult, Window
from auricle.engines.whisper import WhisperEngine, create_engine
from auricle.engines.whisper_models import DEFAULT_MODEL, resolve_model
from engines.lab import SHARED, check_record, clip_pcm, clips, config, drive, silence

PARROT = SHARED / "models" / "parrot-en"


def ignore(stage, fraction):
    """Nobody looks."""


@pytest.fixture(scope="module")
def engine():
    if not PARROT.is_dir():
        pytest.skip("the shared test model is not beside the repository")
    engine = WhisperEngine(str(PARROT), device="cpu")
    engine.load(ignore)
    yield engine
    engine.close()


def words(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalpha() or c in " '")


@pytest.fixture(scope="module")
def heard(engine):
    """Return two recordings it knows, decoded as windows."""
    known = json.loads((PARROT / "memorised_ids.json").read_text(encoding="utf-8"))[:2]
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
    known = json.loads((PARROT / "memorised_ids.json").read_text(encoding="utf-8"))[:4]
    audio = [np.frombuffer(clip_pcm(i), dtype="<i2").astype(np.float32) / 32_768 for i in known]
    windows = [Window(audio=piece[:32_000], config=config(), final=False) for piece in audio]
    together = engine.decode(windows)
    assert [t.text for t in together] == [engine.decode([window])[0].text for window in windows]


def test_a_window_is_as_short_as_its_speech(engine, monkeypatch):
    lengths = []
    model = engine._loaded.model.model
    encode = model.encode

    class Spy:
        def __getattr__(self, name):
            return getattr(model, name)

        def encode(self, features, **options):
            lengths.append(features.shape[2])
            return encode(features, **options)

    monkeypatch.setattr(engine._loaded.model, "model", Spy())
    engine.decode([Window(audio=np.zeros(24_000, dtype=np.float32), config=config(language="en"), final=False)])
    assert lengths == [400]


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


def test_the_default_is_multilingual():
    assert create_engine(None, None).info.model == DEFAULT_MODEL
    assert not DEFAULT_MODEL.endswith(".en")


def test_names_that_are_no_model(tmp_path):
    for name in ("enormous", "/no/such/folder", "./none", "a/b/c"):
        with pytest.raises(EngineUnavailable, match="no Whisper model"):
            resolve_model(name, ignore)
    with pytest.raises(EngineUnavailable, match=r"model\.bin is missing"):
        resolve_model(str(tmp_path), ignore)


def test_a_folder_that_holds_something_else(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"not a model")
    with pytest.raises(EngineUnavailable, match="cannot be loaded on cpu"):
        WhisperEngine(str(tmp_path), device="cpu").load(ignore)


def test_a_hub_that_cannot_be_reached_is_told_in_one_line(monkeypatch):
    def unreachable(repository, **options):
        raise OSError("Got: ConnectError: Name or service not known An error happened\nand a great deal more")

    monkeypatch.setattr(whisper_models, "snapshot_download", unreachable)
    with pytest.raises(EngineUnavailable) as caught:
        resolve_model("small", ignore)
    assert "Systran/faster-whisper-small" in str(caught.value)
    assert "Name or service not known" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_cache_is_asked_first(monkeypatch, tmp_path):
    (tmp_path / "model.bin").write_bytes(b"")

    def cached(repository, **options):
        assert options["local_files_only"]
        return str(tmp_path)

    monkeypatch.setattr(whisper_models, "snapshot_download", cached)
    assert resolve_model("owner/name", ignore) == tmp_path


def test_a_download_tells_how_far_it_is(monkeypatch, tmp_path):
    """The bars are used as the hub's library uses them: totals grow as files are found."""

    def download(repository, *, local_files_only=False, tqdm_class=None, **options):
        if local_files_only:
            raise OSError("not here")
        files = tqdm_class(total=2, desc="Fetching 2 files")
        with tqdm_class(desc="bytes", total=0, initial=0, unit="B", unit_scale=True) as bar:
            bar.total += 400
            bar.update(100)
            bar.refresh()
            bar.set_description("more")
            bar.update(300)
        files.update(1)
        files.close()
        (tmp_path / "model.bin").write_bytes(b"")
        return str(tmp_path)

    told = []
    monkeypatch.setattr(whisper_models, "snapshot_download", download)
    assert resolve_model("small", lambda stage, fraction: told.append((stage, fraction))) == tmp_path
    assert told == [("Downloading the Whisper model small", fraction) for fraction in (0.0, 0.25, 1.0)]
