"""Weights that strangers' packages bring: found without an import, checked byte for byte, joined in one piece."""

import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, distribution

import pytest

from auricle.engines.protocol import EngineUnavailable
from auricle.engines.whisper.models import packaged, verified_files
from auricle.engines.whisper.models.packaged import installed_models, packaged_model
from auricle.engines.whisper.models.pinned import PINNED_MODELS, Part, PinnedFile, PinnedModel
from auricle.engines.whisper.models.resolution import HUB_MODELS

PIECES = (b"first half, ", b"second half")


def ignore(stage, fraction):
    pass


def pinned(name: str, data: bytes, *parts: tuple[str, str]) -> PinnedFile:
    return PinnedFile(
        name=name,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        parts=tuple(Part(distribution=where, path=path) for where, path in parts),
    )


WHOLE = PinnedModel(
    name="whole",
    extra="whole",
    licence="MIT",
    repository="owner/whole",
    revision="0" * 40,
    languages=("en",),
    versions={"stranger-one": "1.0"},
    files=(
        pinned("config.json", b"{}", ("stranger-one", "stranger_one/config.json")),
        pinned("model.bin", PIECES[0], ("stranger-one", "stranger_one/model.bin")),
    ),
)
SPLIT = replace(
    WHOLE,
    name="split",
    extra="split",
    versions={"stranger-one": "1.0", "stranger-two": "1.0"},
    files=(
        WHOLE.files[0],
        pinned(
            "model.bin",
            b"".join(PIECES),
            ("stranger-one", "stranger_one/model.bin"),
            ("stranger-two", "two/model.bin.2"),
        ),
    ),
)


@pytest.fixture
def site(monkeypatch, tmp_path):
    """Return a folder of packages, two strangers' among them, and a cache of its own."""
    folder = tmp_path / "site"
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(packaged, "PINNED_MODELS", {"whole": WHOLE, "split": SPLIT})
    files = {"stranger_one/config.json": b"{}", "stranger_one/model.bin": PIECES[0], "two/model.bin.2": PIECES[1]}
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    (folder / "stranger_one/__init__.py").write_text("raise RuntimeError('imported')")
    for name in ("stranger-one", "stranger-two"):
        info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    return folder


def test_a_model_in_one_package_is_used_where_it_lies(site):
    assert packaged_model("whole", ignore) == site / "stranger_one"
    assert "stranger_one" not in sys.modules


def test_parts_are_joined_in_the_cache(site, tmp_path):
    folder = packaged_model("split", ignore)
    assert folder is not None
    assert folder.is_relative_to(tmp_path / "cache")
    assert (folder / "model.bin").read_bytes() == b"".join(PIECES)
    assert sorted(path.name for path in folder.parent.iterdir()) == [folder.name], "nothing is left beside it"
    assert packaged_model("split", ignore) == folder


def test_processes_that_join_at_once_all_get_a_whole_model(site):
    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(lambda _: packaged_model("split", ignore), range(16)))
    (folder,) = folders
    assert folder is not None
    assert (folder / "model.bin").read_bytes() == b"".join(PIECES)


def test_what_is_not_installed_is_no_model(site):
    assert packaged_model("tiny.en", ignore) is None
    assert set(installed_models()) == {"whole", "split"}
    for info in site.glob("stranger_two*"):
        (info / "METADATA").unlink()
        info.rmdir()
    assert installed_models() == ("whole",)
    assert packaged_model("split", ignore) is None


@pytest.mark.parametrize("data", [b"first half? ", b"first half", b""])
def test_a_file_with_another_byte_is_refused_in_a_sentence(site, data):
    (site / "stranger_one/model.bin").write_bytes(data)
    with pytest.raises(
        EngineUnavailable, match=r"model\.bin is not that of the Whisper model whole: .* the extra whole of Auricle"
    ):
        packaged_model("whole", ignore)
    with pytest.raises(EngineUnavailable, match=r"the extra split of Auricle"):
        packaged_model("split", ignore)


def test_another_version_is_refused_in_a_sentence(site):
    info = site / "stranger_one-1.0.dist-info"
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger-one\nVersion: 1.1\n")
    with pytest.raises(EngineUnavailable, match=r"is in stranger-one 1\.0, and 1\.1 is installed"):
        packaged_model("whole", ignore)


def test_a_file_that_is_missing_is_named(site):
    (site / "stranger_one/model.bin").unlink()
    with pytest.raises(EngineUnavailable, match=r"stranger_one/model\.bin of the package stranger-one is missing"):
        packaged_model("whole", ignore)


@pytest.fixture
def digests(monkeypatch):
    """Return the files that are read to be hashed."""
    hashed = []
    digest = hashlib.file_digest

    def counting(file, name):
        hashed.append(file.name)
        return digest(file, name)

    monkeypatch.setattr(verified_files.hashlib, "file_digest", counting)
    return hashed


def test_what_was_checked_is_remembered_until_it_changes(site, digests):
    for _ in range(3):
        packaged_model("whole", ignore)
    assert len(digests) == len(WHOLE.files)
    (site / "stranger_one/model.bin").write_bytes(b"first half? ")
    with pytest.raises(EngineUnavailable):
        packaged_model("whole", ignore)


@pytest.mark.parametrize("memory", ["{", "[]", '{"a": 1}'])
def test_a_memory_that_makes_no_sense_costs_a_check(site, digests, tmp_path, memory):
    (tmp_path / "cache/auricle").mkdir(parents=True)
    (tmp_path / "cache/auricle" / verified_files.MEMORY_FILE).write_text(memory)
    assert packaged_model("whole", ignore) is not None
    assert len(digests) == len(WHOLE.files)


def test_a_cache_that_cannot_be_written(site, digests, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder would be")
    for _ in range(2):
        assert packaged_model("whole", ignore) == site / "stranger_one"
    assert len(digests) == 2 * len(WHOLE.files)
    with pytest.raises(EngineUnavailable, match=r"cannot be joined in .*: .*XDG_CACHE_HOME"):
        packaged_model("split", ignore)


def test_the_table_knows_what_it_pins():
    for name, model in PINNED_MODELS.items():
        assert name == model.name
        assert HUB_MODELS[name] == model.repository
        assert {part.distribution for file in model.files for part in file.parts} == set(model.versions)
        assert all(len(file.sha256) == 64 and file.size > 0 for file in model.files)


def test_the_weights_that_are_installed_are_what_the_table_says():
    try:
        distribution(next(iter(PINNED_MODELS["tiny.en"].versions)))
    except PackageNotFoundError:
        pytest.skip("the extra tiny-en is not installed")
    assert "tiny.en" in installed_models()
    folder = packaged_model("tiny.en", ignore)
    assert folder is not None
    assert (folder / "model.bin").is_file()
