"""`auricle models` and `auricle doctor`, on a cache of the hub that is made here."""

import hashlib
import json
from pathlib import Path

import pytest
from huggingface_hub import constants
from typer.testing import CliRunner, Result

from auricle.engines.whisper.models import resolution
from auricle.engines.whisper.models.resolution import HUB_MODELS, REVISIONS
from auricle.server.cli import doctor as doctor_command
from auricle.server.cli.main import app
from auricle.server.cli.microphone import MicrophoneError


def auricle(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the hub with `tiny`, in the layout that the hub's library makes."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.utils._cache_manager.HF_HUB_CACHE", str(tmp_path), raising=False)
    repository = HUB_MODELS["tiny"]
    root = tmp_path / f"models--{repository.replace('/', '--')}"
    commit = REVISIONS[repository]
    (root / "blobs").mkdir(parents=True)
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text(commit)
    snapshot = root / "snapshots" / commit
    snapshot.mkdir(parents=True)
    files = {"model.bin": b"weights", "config.json": b"{}"}
    digests = {
        "model.bin": hashlib.sha256(files["model.bin"]).hexdigest(),
        "config.json": hashlib.sha1(b"blob 2\0{}").hexdigest(),
    }
    for name, digest in digests.items():
        (root / "blobs" / digest).write_bytes(files[name])
        (snapshot / name).symlink_to(root / "blobs" / digest)
    return root


def listed() -> dict[str, str]:
    return {model["name"]: model["where"] for model in json.loads(auricle("models", "list", "--json").stdout)}


def test_what_is_here_is_told(cache: Path) -> None:
    where = listed()
    assert where["pebble-en"] == "Auricle's own"
    assert where["tiny"] == "downloaded"
    assert where["large-v3"] == "not here"
    assert any(
        line.split() == ["tiny", "99", "0", "MB", "downloaded"]
        for line in auricle("models", "list").stdout.splitlines()
    )


def test_our_own_model_need_not_be_here(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr(resolution, "_OWN_MODEL_FOLDER", cache / "nothing")
    assert listed()["pebble-en"] == "not here"
    assert "is not here" in auricle("models", "remove", "pebble-en").stderr
    assert "auricle-pebble-en, which is not installed" in auricle("models", "pull", "pebble-en").stderr


def test_the_doctor_needs_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_command, "known_models", list)
    assert "ok    engine       whisper, with no model here to try it on" in auricle("doctor").stdout


def test_every_byte_is_checked(cache: Path) -> None:
    assert auricle("models", "verify", "tiny").stdout == "tiny: good\n"
    for name in ("model.bin", "config.json"):
        file = next(cache.rglob(name))
        before = file.read_bytes()
        file.write_bytes(b"X" + before[1:])
        result = auricle("models", "verify", "tiny")
        assert result.exit_code == 1
        assert f"damaged ({name}); run `auricle models remove tiny`, then `auricle models pull tiny`" in result.stdout
        file.write_bytes(before)


def test_what_was_downloaded_can_be_removed(cache: Path) -> None:
    assert auricle("models", "remove", "tiny").exit_code == 0
    assert listed()["tiny"] == "not here"
    again = auricle("models", "remove", "tiny")
    assert again.exit_code == 2
    assert "The model tiny is not here" in again.stderr
    assert "`pip uninstall auricle-pebble-en` removes it" in auricle("models", "remove", "pebble-en").stderr


def test_what_is_here_need_not_be_pulled() -> None:
    result = auricle("models", "pull", "pebble-en")
    assert result.exit_code == 0
    assert result.stdout.startswith("pebble-en is in /")


def test_what_cannot_be_had_is_one_sentence(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    result = auricle("models", "pull", "nobody")
    assert result.exit_code == 2
    assert "There is no Whisper model 'nobody'" in result.stderr.strip().splitlines()[-1]


def test_the_doctor_finds_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_microphone() -> list[str]:
        raise MicrophoneError("There is none: plug one in.")

    monkeypatch.setattr(doctor_command, "microphone_names", no_microphone)
    result = auricle("doctor")
    assert result.exit_code == 0
    assert "ok    engine       whisper loads pebble-en" in result.stdout
    assert "warn  microphone   There is none: plug one in" in result.stdout
    monkeypatch.setattr(doctor_command, "LIBRARIES", ("numpy", "no_such_library"))
    sick = auricle("doctor")
    assert sick.exit_code == 1
    assert "FAIL  libraries    no_such_library" in sick.stdout
    assert "microphone" in auricle("devices").stdout
