"""Which Whisper models are here, and where: our own, installed as packages, or in the hub's cache."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from huggingface_hub import CachedRepoInfo, CacheNotFound, scan_cache_dir

from auricle.engines.whisper.models.packaged import installed_models, packaged_model
from auricle.engines.whisper.models.pinned import PINNED_MODELS
from auricle.engines.whisper.models.resolution import (
    FILES,
    HUB_MODELS,
    MODEL_FILE,
    OWN_MODEL,
    REVISIONS,
    own_model,
)

_SHA256_DIGITS: Final = 64
_SHA1_DIGITS: Final = 40


class Place(StrEnum):
    """Where a model is."""

    OWN = "Auricle's own"
    INSTALLED = "installed"
    DOWNLOADED = "downloaded"
    ABSENT = "not here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model that Auricle knows, or that is in the hub's cache."""

    name: str
    place: Place
    languages: str
    size_bytes: int | None = None
    """What it takes on the disk; None where it is not here."""
    folder: Path | None = None
    repository: str | None = None
    """Its repository on the hub; None for our own."""


def known_models() -> list[Model]:
    """Return every model that has a short name, and others in the hub's cache."""
    cached = {str(model.repository): model for model in _cached()}
    named = [_own()]
    installed = installed_models()
    for name, repository in HUB_MODELS.items():
        if name in installed:
            named.append(_installed(name, repository))
        else:
            named.append(cached.pop(repository) if repository in cached else _remote(name, repository))
    return [*named, *cached.values()]


def damaged_files(model: Model) -> Iterator[str]:
    """Yield the names of files that are not what they should be, after reading every byte of them.

    What was pinned is held to its SHA-256; what came from the hub to the hash by which the hub's cache names it.
    """
    if model.folder is None:
        return
    pinned = PINNED_MODELS.get(model.name)
    if pinned is not None:
        for file in pinned.files:
            if _digest(model.folder / file.name, _SHA256_DIGITS) != file.sha256:
                yield file.name
        return
    for path in sorted(model.folder.iterdir()):
        name = path.resolve().name
        if path.is_symlink() and len(name) in (_SHA256_DIGITS, _SHA1_DIGITS) and _digest(path, len(name)) != name:
            yield path.name


def _digest(path: Path, digits: int) -> str:
    """Return the SHA-256 of a file, or the SHA-1 by which git names its content; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            if digits == _SHA256_DIGITS:
                return hashlib.file_digest(file, "sha256").hexdigest()
            git = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
            while block := file.read(1 << 20):
                git.update(block)
            return git.hexdigest()
    except OSError:
        return ""


def _own() -> Model:
    folder = own_model()
    if folder is None:
        return Model(name=OWN_MODEL, place=Place.ABSENT, languages="en")
    return Model(name=OWN_MODEL, place=Place.OWN, languages="en", size_bytes=_size(folder), folder=folder)


def _installed(name: str, repository: str) -> Model:
    pinned = PINNED_MODELS[name]
    return Model(
        name=name,
        place=Place.INSTALLED,
        languages=_languages(name),
        size_bytes=sum(file.size for file in pinned.files),
        folder=packaged_model(name, lambda *_: None),
        repository=repository,
    )


def _remote(name: str, repository: str) -> Model:
    return Model(name=name, place=Place.ABSENT, languages=_languages(name), repository=repository)


def _cached() -> Iterator[Model]:
    try:
        repositories = scan_cache_dir().repos
    except CacheNotFound:
        return
    for each in sorted(repositories, key=lambda each: each.repo_id):
        folder = _snapshot(each)
        if folder is not None:
            name = next((name for name, repo in HUB_MODELS.items() if repo == each.repo_id), each.repo_id)
            yield Model(
                name=name,
                place=Place.DOWNLOADED,
                languages=_languages(name),
                size_bytes=each.size_on_disk,
                folder=folder,
                repository=each.repo_id,
            )


def _snapshot(repository: CachedRepoInfo) -> Path | None:
    """Return the folder of the revision that would be loaded, if the repository is a CTranslate2 model's."""
    wanted = REVISIONS.get(repository.repo_id)
    for revision in sorted(repository.revisions, key=lambda each: each.last_modified, reverse=True):
        names = {file.file_name for file in revision.files}
        if (wanted is None or revision.commit_hash == wanted) and {MODEL_FILE, FILES[0]} <= names:
            return revision.snapshot_path
    return None


def _languages(name: str) -> str:
    return "en" if name.endswith(".en") or name.startswith("distil-") else "99"


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
