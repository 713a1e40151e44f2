"""Where models come from, and what is said where one cannot be had."""

import logging

import pytest

from auricle.engines.protocol import EngineUnavailable
from auricle.engines.whisper.models import resolution as whisper_models
from auricle.engines.whisper.models.pinned import PINNED_MODELS
from auricle.engines.whisper.models.resolution import OWN_MODEL, REVISIONS, resolve_model
from auricle.engines.whisper.models.window_settings import window_rules


def ignore(stage, fraction):
    pass


def test_names_that_are_no_model(tmp_path):
    for name in ("enormous", "/no/such/folder", "./none", "a/b/c"):
        with pytest.raises(EngineUnavailable, match="no Whisper model"):
            resolve_model(name, ignore)
    with pytest.raises(EngineUnavailable, match=r"model\.bin is missing"):
        resolve_model(str(tmp_path), ignore)


def test_our_own_model_needs_no_hub(monkeypatch):
    def asked(repository, **options):
        raise AssertionError(f"the hub was asked for {repository}")

    monkeypatch.setattr(whisper_models, "snapshot_download", asked)
    folder = resolve_model(OWN_MODEL, ignore)
    assert folder.name == OWN_MODEL
    assert (folder / "README.md").is_file()
    assert window_rules(folder).least_frames < 1_000, "trained on short windows"
    with pytest.raises(EngineUnavailable, match="pebble-en"):
        resolve_model("pebble", ignore)


def test_our_own_model_may_not_be_installed(monkeypatch, tmp_path):
    monkeypatch.setattr(whisper_models, "_OWN_MODEL_FOLDER", tmp_path / "nothing")
    with pytest.raises(EngineUnavailable, match="package of its own, auricle-pebble-en, which is not installed"):
        resolve_model(OWN_MODEL, ignore)


def test_a_hub_that_cannot_be_reached_is_told_in_one_line(monkeypatch):
    def unreachable(repository, **options):
        raise OSError("Got: ConnectError: Name or service not known An error happened\nand a great deal more")

    monkeypatch.setattr(whisper_models, "snapshot_download", unreachable)
    with pytest.raises(EngineUnavailable) as caught:
        resolve_model("small", ignore)
    assert "Systran/faster-whisper-small" in str(caught.value)
    assert "Name or service not known" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_tries_of_the_hubs_library_are_not_told_one_by_one(monkeypatch, caplog):
    hub = logging.getLogger("huggingface_hub.utils._http")

    def unreachable(repository, *, local_files_only=False, **options):
        if not local_files_only:
            hub.warning("Retrying in 1s [Retry 1/5].")
        raise OSError("ConnectError")

    monkeypatch.setattr(whisper_models, "snapshot_download", unreachable)
    with pytest.raises(EngineUnavailable):
        resolve_model("small", ignore)
    assert not caplog.records
    hub.warning("of somebody else")
    assert [record.message for record in caplog.records] == ["of somebody else"]


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


def test_the_hub_is_asked_for_the_commit_that_is_known(monkeypatch, tmp_path):
    asked = {}

    def download(repository, *, revision, **options):
        asked[repository] = revision
        raise OSError("not here")

    monkeypatch.setattr(whisper_models, "snapshot_download", download)
    monkeypatch.setattr(whisper_models, "packaged_model", lambda name, progress: None)
    for name, remedy in (
        ("tiny.en", "or install the extra tiny-en of Auricle"),
        ("base", "or install the extra base of Auricle"),
        ("small", r"or name tiny\.en or base, which the extras tiny-en and base of Auricle install"),
        ("owner/name", r"or name tiny\.en or base, which"),
    ):
        with pytest.raises(EngineUnavailable, match=remedy):
            resolve_model(name, ignore)
    assert asked == {
        "Systran/faster-whisper-tiny.en": PINNED_MODELS["tiny.en"].revision,
        "Systran/faster-whisper-base": PINNED_MODELS["base"].revision,
        "Systran/faster-whisper-small": REVISIONS["Systran/faster-whisper-small"],
        "owner/name": None,
    }
    assert all(len(revision) == 40 for revision in REVISIONS.values())


def test_what_the_hub_serves_is_checked_too(monkeypatch, tmp_path):
    for name in ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt"):
        (tmp_path / name).write_bytes(b"another model")

    def download(repository, *, local_files_only=False, **options):
        if local_files_only:
            raise OSError("not here")
        return str(tmp_path)

    monkeypatch.setattr(whisper_models, "snapshot_download", download)
    monkeypatch.setattr(whisper_models, "packaged_model", lambda name, progress: None)
    with pytest.raises(EngineUnavailable, match=r"The hub served another config\.json than that of .* tiny\.en"):
        resolve_model("tiny.en", ignore)


def test_an_installed_model_comes_before_the_hub(monkeypatch, tmp_path):
    def asked(repository, **options):
        raise AssertionError(f"the hub was asked for {repository}")

    monkeypatch.setattr(whisper_models, "snapshot_download", asked)
    monkeypatch.setattr(whisper_models, "packaged_model", lambda name, progress: tmp_path)
    assert resolve_model("tiny.en", ignore) == tmp_path
