"""Models that are installed as packages: found by name, checked byte for byte, and never imported."""

import os
import shutil
import tempfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from auricle.engines.protocol import EngineUnavailable, LoadProgress
from auricle.engines.whisper.models.pinned import PINNED_MODELS, PinnedFile, PinnedModel
from auricle.engines.whisper.models.verified_files import cache_folder, is_verified


def installed_models() -> tuple[str, ...]:
    """Return the names of the models whose packages are installed, the better ones first. Nothing is checked."""
    return tuple(model.name for model in PINNED_MODELS.values() if _distributions(model) is not None)


def packaged_model(name: str, progress: LoadProgress) -> Path | None:
    """Return the folder of a model that packages bring; None where they are not installed, or it has none.

    Raises `EngineUnavailable` where they are, and are not what they should be.
    """
    model = PINNED_MODELS.get(name)
    found = None if model is None else _distributions(model)
    if model is None or found is None:
        return None
    _check_versions(model, found)
    progress(f"Checking the Whisper model {name}", None)
    parts = {
        file.name: [_located(model, found, part.distribution, part.path) for part in file.parts] for file in model.files
    }
    folders = {path.parent for paths in parts.values() for path in paths}
    if len(folders) == 1 and all(len(paths) == 1 for paths in parts.values()):
        (folder,) = folders
        _check_files(model, folder)
        return folder
    return _joined(model, parts)


def _distributions(model: PinnedModel) -> dict[str, Distribution] | None:
    try:
        return {name: distribution(name) for name in model.versions}
    except PackageNotFoundError:
        return None


def _check_versions(model: PinnedModel, found: dict[str, Distribution]) -> None:
    for name, version in model.versions.items():
        if found[name].version != version:
            raise EngineUnavailable(
                f"The Whisper model {model.name} is in {name} {version}, and {found[name].version} is installed: "
                f"install the extra {model.extra} of Auricle again."
            )


def _located(model: PinnedModel, found: dict[str, Distribution], name: str, path: str) -> Path:
    located = Path(str(found[name].locate_file(path)))
    if not located.is_file():
        raise EngineUnavailable(
            f"The file {path} of the package {name} is missing: install the extra {model.extra} of Auricle again."
        )
    return located


def _check_files(model: PinnedModel, folder: Path) -> None:
    for file in model.files:
        try:
            verified = is_verified(folder / file.name, file.size, file.sha256)
        except OSError as error:
            raise EngineUnavailable(
                f"The file {folder / file.name} of the Whisper model {model.name} cannot be read: {error.strerror}."
            ) from error
        if not verified:
            raise EngineUnavailable(
                f"The file {folder / file.name} is not that of the Whisper model {model.name}: its size or SHA-256 is "
                f"another. It is not used; install the extra {model.extra} of Auricle again."
            )


def _joined(model: PinnedModel, parts: dict[str, list[Path]]) -> Path:
    """Return a folder of the cache in which the parts are joined. It appears whole or not at all."""
    folder = cache_folder() / "models" / f"{model.name}-{model.revision[:12]}"
    if not folder.is_dir():
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            _join(model, parts, folder)
        except OSError as error:
            raise EngineUnavailable(
                f"The parts of the Whisper model {model.name} cannot be joined in {folder.parent}: {error.strerror}. "
                "Make room there, or let XDG_CACHE_HOME name a folder that can be written."
            ) from error
    _check_files(model, folder)
    return folder


def _join(model: PinnedModel, parts: dict[str, list[Path]], folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as made:
        whole = Path(made) / "whole"
        whole.mkdir()
        for file in model.files:
            _write(whole / file.name, parts[file.name], file)
        _check_files(model, whole)
        try:
            whole.rename(folder)
        except OSError:
            # Another process was quicker: the name is taken by a folder that is whole.
            if not folder.is_dir():
                raise


def _write(path: Path, parts: list[Path], file: PinnedFile) -> None:
    with path.open("wb") as whole:
        for part in parts:
            with part.open("rb") as piece:
                shutil.copyfileobj(piece, whole, 1 << 20)
        whole.flush()
        os.fsync(whole.fileno())
